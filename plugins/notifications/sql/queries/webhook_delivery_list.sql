-- in: id
-- out: what that webhook was told, newest first, with each try
select notifications.webhook_delivery_body(d) as body, d.id::text as cursor
from notifications.webhook as w
join notifications.webhook_delivery as d on d.webhook_id = w.id
where w.id = :id
    and (:cursor is null or d.id < vg.cursor_id(:cursor))
    and notifications.owned(w.company_id, :callerRole, :callerCompany)
order by d.id desc
limit :limit;
