-- in: id
-- out: the notification, with each try
select (n.body::jsonb || jsonb_build_object('attempts', notifications.attempts(n.id))) as body
from notifications.notification_json as n
where n.id = :id
    and notifications.visible(n.row, :callerRole, :callerId, :callerCompany);
