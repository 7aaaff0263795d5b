-- in: id
-- out: ok
-- Nobody pays for it: it ends at no cost, and who waits is served.
with cancelled as (
    update reservations.reservation r
    set status = 'CANCELLED',
        reason = 'payment_required',
        over_at = :now,
        updated_at = :now,
        version = r.version + 1
    where r.id = :id
        and r.status in ('PENDING', 'CONFIRMED')
        and r.hold_status = 'REFUSED'
    returning r as row
), answer (status, body, events) as (
    select 'ok', null::json, (
        select reservations.ended(e.row, 'reservation.cancelled.v1', :now)
        from cancelled e)
)
select * from answer;
