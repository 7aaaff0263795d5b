-- in: operatorId, status
-- out: plans, newest first
select j.body,
    j.id::text as cursor
from billing.plan_json j
where (:operatorId is null or j.issuer = :operatorId)
    and (:status is null or j.status = :status)
    and (:cursor is null or j.id < vg.cursor_id(:cursor))
order by j.id desc
limit :limit;
