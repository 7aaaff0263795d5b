-- in: sessionId, error, stopDeadline
-- out: ok, the session
-- Under one lock: what has not begun fails, and its connector is free; what
-- began in the moment between is stopped, by a job in the same commit. Where
-- the charger said no, what began is not of our asking, and goes on. A Start
-- that comes after that is a session of its own, flagged late_start.
with found as (
    select s.id,
        s.status,
        charging.session_body(s) as body
    from charging.session s
    where s.id = :sessionId
), ended as (
    update charging.session s
    set status = case when f.status in ('PENDING', 'STARTING') then 'FAILED' else 'STOPPING' end,
        failure = case when f.status in ('PENDING', 'STARTING') then coalesce(:error, 'rejected') end,
        stop_deadline = case
            when f.status in ('ACTIVE', 'SUSPENDED') then :now + make_interval(secs => :stopDeadline)
        end,
        version = s.version + 1
    from found f
    where s.id = f.id
        and (f.status in ('PENDING', 'STARTING')
            or f.status in ('ACTIVE', 'SUSPENDED') and coalesce(:error not in ('rejected', 'charger_error'), true))
    returning s.id,
        s.status,
        charging.session_body(s) as body,
        charging.session_event(s, 'charging.session.failed.v1') as event
), asked as (
    insert into vg.job (plugin, kind, payload, correlation_id)
    select :vgPlugin, 'charging.stop', jsonb_build_object('sessionId', e.id), :correlationId
    from ended e
    where e.status = 'STOPPING'
), answer (status, body, events) as (
    select 'ok',
        coalesce(e.body, f.body),
        case
            when e.status = 'FAILED' then jsonb_build_array(e.event)
            when e.status is not null then jsonb_build_array(jsonb_build_object('wake', f.id))
        end
    from (select) one
    left join found f on true
    left join ended e on true
)
select * from answer;
