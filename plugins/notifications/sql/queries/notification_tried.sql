-- in: notificationId; bound: result, detail, subject, text, dead (a push token that is none any more); setting: tries
-- out: ok; the try in the delivery log, notification.sent.v1, or the next try with its row in vg.job
--
-- SPARED: nothing was sent, so as to spare the other side; it was no try. LOST:
-- no other try would help.
with tried as (
    update notifications.notification as n
    set status = case
            when :result = 'SENT' then 'SENT'
            when :result = 'SPARED' then n.status
            when :result = 'LOST' or n.tries + 1 >= :tries then 'FAILED'
            else 'QUEUED'
        end,
        tries = n.tries + case when :result = 'SPARED' then 0 else 1 end,
        reason = case when :result = 'SENT' then null else :detail ->> 'reason' end,
        subject = case when n.channel = 'IN_APP' then :subject else n.subject end,
        body = case when n.channel = 'IN_APP' then :text else n.body end,
        sent_at = case when :result = 'SENT' then :now end,
        version = n.version + 1
    where n.id = :notificationId
        and n.status in ('QUEUED', 'HELD')
    returning n.*
), logged as (
    insert into notifications.attempt (id, of_id, at, outcome, detail)
    select :newId, t.id, :now, :result, :detail
    from tried as t
), forgotten as (
    update notifications.preference as p
    set push_tokens = p.push_tokens - :dead,
        version = p.version + 1
    from tried as t
    where p.user_id = t.user_id
        and :dead is not null
), later as materialized (
    select notifications.later('notification.send', 'send/' || t.id || '/' || t.tries || '/' || :jobId,
        jsonb_build_object('notificationId', t.id),
        case when :result = 'SPARED' then :now + interval '5 seconds' else notifications.again_at(t.tries, :tries::int, :now) end,
        :correlationId)
    from tried as t
    where t.status in ('QUEUED', 'HELD')
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
