-- in: sessionId, error, stopDeadline
-- out: {session, stop}; stop is the transaction that the charger has to be
-- asked to stop, null for none
-- Under one lock: what has not begun fails, and its connector is free; what
-- began in the moment between is stopped. A Start that comes after that is a
-- session of its own, flagged late_start.
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
        and f.status in ('PENDING', 'STARTING', 'ACTIVE', 'SUSPENDED')
    returning s.status,
        s.transaction_id,
        charging.session_body(s) as body,
        charging.session_event(s, 'charging.session.failed.v1') as event
), answer (status, body, events) as (
    select 'ok',
        json_build_object('session', coalesce(e.body, f.body), 'stop', e.transaction_id),
        case
            when e.status = 'FAILED' then jsonb_build_array(e.event)
            when e.status is not null then jsonb_build_array(jsonb_build_object('wake', f.id))
        end
    from (select) one
    left join found f on true
    left join ended e on true
)
select * from answer;
