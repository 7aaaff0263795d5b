-- in: userId; bound: ids (of the notifications), result, detail; setting: tries
-- out: ok; each in the delivery log, notification.sent.v1, or the next try with its row in vg.job
with tried as (
    update notifications.notification as n
    set status = case
            when :result = 'SENT' then 'SENT'
            when :result = 'SPARED' then n.status
            when :result = 'LOST' or n.tries + 1 >= :tries then 'FAILED'
            else n.status
        end,
        tries = n.tries + case when :result = 'SPARED' then 0 else 1 end,
        due_at = case
            when :result = 'SPARED' then :now + interval '5 seconds'
            when :result = 'FAILED' then :now + least(interval '1 hour', interval '10 seconds' * power(2, least(n.tries, 20)))
            else n.due_at
        end,
        reason = case when :result = 'SENT' then null else :detail ->> 'reason' end,
        sent_at = case when :result = 'SENT' then :now end,
        version = n.version + 1
    where n.id in (select vg.cursor_id(i.id) from jsonb_array_elements_text(:ids) as i (id))
        and n.user_id = :userId
        and n.status = 'BATCHED'
    returning n.*
), logged as (
    insert into notifications.attempt (id, of_id, at, outcome, detail)
    select vg.uuid7(), t.id, :now, :result, :detail
    from tried as t
), again as (
    select max(t.due_at) as moment
    from tried as t
    where t.status = 'BATCHED'
    having count(*) > 0
    union all
    select :now -- there were more than one mail takes
    where jsonb_array_length(:ids) >= 50
        and :result = 'SENT'
), later as materialized (
    select notifications.later('notification.batch', 'batch/' || :userId || '/' || :jobId,
        jsonb_build_object('userId', :userId), a.moment, :correlationId)
    from again as a
), answer (status, body, events) as (
    select 'ok', null::json, (
        select jsonb_agg(jsonb_build_object(
            'type', 'notification.sent.v1',
            'aggregateId', t.id,
            'payload', jsonb_build_object(
                'notificationId', t.id,
                'channel', t.channel,
                'template', t.template,
                'customerId', t.user_id,
                'companyId', t.company_id)))
        from tried as t
        where t.status = 'SENT')
    from (select count(*) from later) as one
)
select * from answer;
