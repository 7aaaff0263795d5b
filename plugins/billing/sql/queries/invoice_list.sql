-- in: sessionId, subjectId, customerId, companyId, issuer, status, from, to
-- out: invoices, newest first
select j.body,
    j.id::text as cursor
from billing.paper_json j
where vg.visible(:callerRole, :callerId, :callerCompany, j.to_customer, j.issuer, j.to_company)
    and (:sessionId is null or (j.subject_id = :sessionId and j.subject_kind = 'SESSION'))
    and (:subjectId is null or j.subject_id = :subjectId)
    and (:customerId is null or j.customer_id = :customerId)
    and (:companyId is null or j.company_id = :companyId)
    and (:issuer is null or j.issuer = :issuer)
    and (:from is null or j.issued_at >= :from)
    and (:to is null or j.issued_at < :to)
    and (:status is null or j.status = :status)
    and (:cursor is null or j.id < vg.cursor_id(:cursor))
order by j.id desc
limit :limit;
