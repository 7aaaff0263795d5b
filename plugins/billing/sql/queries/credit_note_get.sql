-- in: id
-- out: the credit note
select j.body
from billing.credit_note_json j
where j.id = :id
    and vg.visible(:callerRole, :callerId, :callerCompany, j.customer_id, j.issuer, j.company_id);
