-- in: id
-- out: the invoice
select j.body
from billing.paper_json j
where j.id = :id
    and vg.visible(:callerRole, :callerId, :callerCompany, j.to_customer, j.issuer, j.to_company);
