-- in: id
-- out: the hold, with its parts
select j.body
from billing.hold_json j
where j.id = :id
    and vg.visible(:callerRole, :callerId, :callerCompany, j.customer_id, j.issuer, j.company_id);
