-- in: id
-- out: the profile, for the charge point's operator
select p.body
from charging.charging_profile_json p
where p.id = :id
    and (:callerRole = 'admin'
        or :callerRole = 'operator' and charging.operator_of(p.charge_point_id) = nullif(:callerCompany, ''));
