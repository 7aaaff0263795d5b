-- in: nothing
-- out: the webhooks that the caller sees, oldest first
select r.body, r.id::text as cursor
from notifications.webhook_json as r
where (:cursor is null or r.id > vg.cursor_id(:cursor))
    and notifications.owned((r.row).company_id, :callerRole, :callerCompany)
order by r.id
limit :limit;
