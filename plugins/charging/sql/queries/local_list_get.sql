-- in: id
-- out: the list, for the charge point's operator
select charging.local_list_body(l) as body
from charging.local_list l
where l.charge_point_id = :id
    and (:callerRole = 'admin'
        or :callerRole = 'operator' and charging.operator_of(:id) = nullif(:callerCompany, ''));
