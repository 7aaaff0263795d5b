-- in: deliveryId; bound: result, detail; setting: tries
-- out: ok; the try in the delivery log, or the next one with its row in vg.job
with tried as (
    update notifications.webhook_delivery as d
    set status = case
            when :result = 'SENT' then 'SENT'
            when :result = 'SPARED' then d.status
            when :result = 'LOST' or d.tries + 1 >= :tries then 'FAILED'
            else d.status
        end,
        tries = d.tries + case when :result = 'SPARED' then 0 else 1 end
    where d.id = :deliveryId
        and d.status = 'QUEUED'
    returning d.*
), logged as (
    insert into notifications.attempt (id, of_id, at, outcome, detail)
    select :newId, t.id, :now, :result, :detail
    from tried as t
), later as materialized (
    select notifications.later('webhook.deliver', t.id || '/' || :jobId, jsonb_build_object('deliveryId', t.id),
        case when :result = 'SPARED' then :now + interval '5 seconds' else notifications.again_at(t.tries, :tries::int, :now) end,
        :correlationId)
    from tried as t
    where t.status = 'QUEUED'
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
    from (select count(*) from later) as one
)
select * from answer;
