-- in: sessionId
-- out: ok
-- What is left of the interval is free.
with completed as (
    update reservations.reservation r
    set status = 'COMPLETED',
        reason = 'used',
        over_at = :now,
        updated_at = :now,
        version = r.version + 1
    where r.session_id = :sessionId
        and r.status = 'ACTIVE'
    returning r as row
), promoted as (
    select p as row
    from completed c
    cross join lateral reservations.promote((c.row).connector_id, :now) p
), told as (
    select reservations.reservation_event(c.row, 'reservation.completed.v1') as event
    from completed c
    union all
    select reservations.reservation_event(p.row, 'reservation.promoted.v1')
    from promoted p
), answer (status, body, events) as (
    select 'ok', null::json, (select jsonb_agg(t.event) from told t)
)
select * from answer;
