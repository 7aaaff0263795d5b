-- in: id
-- out: the charge point, for its operator
select p.body
from stations.charge_point_json as p
where p.id = :id
    and (:callerRole = 'admin' or p.operator_id = :callerCompany);
