-- in: nothing
-- out: ok
-- Ends what nobody ends any more: sessions whose charger did not start in
-- time fail, also those whose payment nobody has decided; those whose charger
-- did not stop in time are active again. A start
-- whose question for a hold was lost with its worker asks again, by a job.
with waited as (
    select s.id
    from charging.session s
    where s.status in ('PENDING', 'STARTING')
        and s.deadline <= :now
    order by s.deadline
    limit 500
    for update skip locked
), failed as (
    update charging.session s
    set status = 'FAILED',
        failure = case when s.hold_status = 'PENDING' then 'payment_timeout' else 'start_timeout' end,
        version = s.version + 1
    from waited w
    where s.id = w.id
    returning s.id,
        charging.session_event(s, 'charging.session.failed.v1') as event
), held as (
    select s.id
    from charging.session s
    where s.status = 'STOPPING'
        and s.stop_deadline <= :now
    order by s.stop_deadline
    limit 500
    for update skip locked
), resumed as (
    update charging.session s
    set status = 'ACTIVE',
        failure = 'stop_timeout',
        stop_deadline = null,
        version = s.version + 1
    from held h
    where s.id = h.id
    returning jsonb_build_object('wake', s.id) as event
), unasked as (
    insert into vg.job (plugin, kind, key, payload, correlation_id)
    select :vgPlugin, 'charging.hold', s.id::text, jsonb_build_object('sessionId', s.id), :correlationId
    from charging.session s
    where s.status = 'STARTING'
        and s.hold_status is null
        and s.deadline > :now
        and s.requested_at < :now - interval '5 seconds'
    limit 100
    on conflict do nothing
), told as (
    select f.event
    from failed f
    union all
    select jsonb_build_object('saga', 'charging.start', 'id', f.id)
    from failed f
    union all
    select r.event
    from resumed r
), answer (status, body, events) as (
    select 'ok', null::json, (select jsonb_agg(t.event) from told t)
)
select * from answer;
