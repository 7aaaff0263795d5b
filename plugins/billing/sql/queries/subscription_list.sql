-- in: customerId, companyId, planId, status, stuck
-- out: subscriptions, newest first
select j.body,
    j.id::text as cursor
from billing.subscription_json j
where vg.visible(:callerRole, :callerId, :callerCompany, j.customer_id, j.issuer, j.company_id)
    and (:customerId is null or j.customer_id = :customerId)
    and (:companyId is null or j.company_id = :companyId)
    and (:planId is null or j.plan_id = :planId)
    and (:status is null or j.status = :status)
    and (:stuck is null or j.stuck = :stuck)
    and (:cursor is null or j.id < vg.cursor_id(:cursor))
order by j.id desc
limit :limit;
