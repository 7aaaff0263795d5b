-- in: invoiceId, customerId, companyId, issuer
-- out: credit notes, newest first
select j.body,
    j.id::text as cursor
from billing.credit_note_json j
where vg.visible(:callerRole, :callerId, :callerCompany, j.customer_id, j.issuer, j.company_id)
    and (:invoiceId is null or j.invoice_id = :invoiceId)
    and (:customerId is null or j.customer_id = :customerId)
    and (:companyId is null or j.company_id = :companyId)
    and (:issuer is null or j.issuer = :issuer)
    and (:cursor is null or j.id < vg.cursor_id(:cursor))
order by j.id desc
limit :limit;
