-- in: nothing
-- out: ok; a row in vg.job for each user whose kept mails are overdue: what was kept in the moment in which the others
--     were sent
with later as materialized (
    select notifications.later('notification.batch', 'batch/' || n.user_id || '/late',
        jsonb_build_object('userId', n.user_id), null, :correlationId)
    from notifications.notification as n
    where n.status = 'BATCHED'
        and n.due_at < :now - interval '5 minutes'
    group by n.user_id
    limit 500
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
    from (select count(*) from later) as one
)
select * from answer;
