-- in: id
-- out: the payment
select j.body
from billing.intent_json j
where j.id = :id
    and vg.visible(:callerRole, :callerId, :callerCompany, j.customer_id, j.issuer, j.company_id);
