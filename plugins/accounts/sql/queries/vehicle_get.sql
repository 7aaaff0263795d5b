-- in: id
-- out: the vehicle
select v.body
from accounts.vehicle_json as v
where v.id = :id
    and vg.visible(:callerRole, :callerId, :callerCompany, v.customer_id, v.operator_id, v.company_id);
