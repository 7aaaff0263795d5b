-- in: status, settled, purpose, subject, customerId
-- out: payments, newest first
select j.body,
    j.id::text as cursor
from billing.intent_json j
where vg.visible(:callerRole, :callerId, :callerCompany, j.customer_id, j.issuer, j.company_id)
    and (:status is null or j.status = :status)
    and (:settled is null or j.settled = (:settled = 'true'))
    and (:purpose is null or j.purpose = :purpose)
    and (:subject is null or j.subject = :subject)
    and (:customerId is null or j.customer_id = :customerId)
    and (:cursor is null or j.id < vg.cursor_id(:cursor))
order by j.id desc
limit :limit;
