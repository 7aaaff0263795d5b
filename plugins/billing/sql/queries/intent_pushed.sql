-- in: intentId, turn, claim, said
-- out: ok; what moved, is told; the next push, where what is wanted is not so yet
-- The job that this ends is there until the commit, so the next one has a key of
-- its own.
with pushed as materialized (
    select billing.intent_said(:intentId, :said::jsonb || jsonb_build_object('claim', :claim), :now, :correlationId) as done
), next as (
    insert into vg.job (plugin, kind, key, payload, correlation_id, next_at)
    select
        :vgPlugin, 'payment.push', concat_ws('/', :intentId, coalesce(:turn, 0) + 1, p.done ->> 'claim'),
        jsonb_build_object('intentId', :intentId, 'turn', coalesce(:turn, 0) + 1, 'claim', p.done ->> 'claim'), :correlationId,
        now() + make_interval(secs => (p.done ->> 'delay')::float8)
    from pushed p
    where p.done ->> 'delay' is not null
    on conflict do nothing
), answer (status, body, events) as (
    select 'ok', null::json, p.done -> 'events'
    from pushed p
)
select * from answer;
