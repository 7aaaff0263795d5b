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
), answer (status, body, events) as (
    select 'ok', null::json, (
        select jsonb_agg(t.event)
        from completed c
        cross join lateral jsonb_array_elements(reservations.ended(c.row, 'reservation.completed.v1', :now)) t (event))
)
select * from answer;
