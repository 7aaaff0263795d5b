-- in: deliveryId
-- out: what it takes to tell it; no row: it is over
select json_build_object(
    'id', d.id,
    'url', w.url,
    'secret', w.secret,
    'type', d.event_type,
    'body', d.body) as body
from notifications.webhook_delivery as d
join notifications.webhook as w on w.id = d.webhook_id
where d.id = :deliveryId
    and d.status = 'QUEUED'
    and w.enabled;
