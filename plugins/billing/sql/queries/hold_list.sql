-- in: subject, customerId, status
-- out: holds, newest first
select j.body,
    j.id::text as cursor
from billing.hold_json j
where vg.visible(:callerRole, :callerId, :callerCompany, j.customer_id, j.issuer, j.company_id)
    and (:subject is null or j.subject = :subject)
    and (:customerId is null or j.customer_id = :customerId)
    and (:status is null or j.status = :status)
    and (:cursor is null or j.id < vg.cursor_id(:cursor))
order by j.id desc
limit :limit;
