-- in: id
-- out: how it pays
select j.body
from billing.payer_json j
where j.id = :id
    and vg.visible(:callerRole, :callerId, :callerCompany, j.customer_id, null, j.company_id);
