-- in: id
-- out: the webhook
select r.body
from notifications.webhook_json as r
where r.id = :id
    and notifications.owned((r.row).company_id, :callerRole, :callerCompany);
