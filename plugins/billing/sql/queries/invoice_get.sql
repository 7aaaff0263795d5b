-- in: id
-- out: the invoice
select j.body
from billing.invoice_json j
where j.id = :id
    and vg.visible(:callerRole, :callerId, :callerCompany, j.customer_id, j.issuer, j.company_id);
