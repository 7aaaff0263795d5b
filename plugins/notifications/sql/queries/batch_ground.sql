-- in: userId
-- out: what waits for one mail to that user, the oldest first; 50 at most
select json_build_object(
    'id', n.id,
    'userId', n.user_id,
    'template', n.template,
    'locale', p.locale,
    'pushTokens', '[]'::json,
    'values', notifications.said(n.data, coalesce(p.time_zone, n.data ->> 'timeZone')),
    'templates', notifications.templates(n.template, n.company_id, n.data)) as body
from notifications.notification as n
left join notifications.preference as p on p.user_id = n.user_id
where n.user_id = :userId
    and n.status = 'BATCHED'
    and n.due_at <= :now
order by n.id
limit 50;
