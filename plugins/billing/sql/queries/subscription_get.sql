-- in: id
-- out: the subscription
select j.body
from billing.subscription_json j
where j.id = :id
    and vg.visible(:callerRole, :callerId, :callerCompany, j.customer_id, j.issuer, j.company_id);
