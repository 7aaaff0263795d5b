-- in: notificationId
-- out: what it takes to send it: to whom, and what may be said in which locales; no row: it is over
select json_build_object(
    'id', n.id,
    'userId', n.user_id,
    'companyId', n.company_id,
    'channel', n.channel,
    'priority', n.priority,
    'template', n.template,
    'locale', p.locale,
    'pushTokens', coalesce(p.push_tokens, '[]'),
    'values', notifications.said(n.data, coalesce(p.time_zone, n.data ->> 'timeZone')),
    'templates', notifications.templates(n.template, n.company_id, n.data)) as body
from notifications.notification as n
left join notifications.preference as p on p.user_id = n.user_id
where n.id = :notificationId
    and n.status in ('QUEUED', 'HELD');
