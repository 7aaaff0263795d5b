-- in: id
-- out: the reservation
select j.body
from reservations.reservation_json j
where j.id = :id
    and vg.visible(:callerRole, :callerId, :callerCompany, j.customer_id, j.operator_id, j.company_id);
