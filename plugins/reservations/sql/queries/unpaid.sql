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
), promoted as (
    select p as row
    from cancelled c
    cross join lateral reservations.promote((c.row).connector_id, :now) p
), told as (
    select reservations.reservation_event(c.row, 'reservation.cancelled.v1') as event
    from cancelled c
    union all
    select reservations.order_event(c.row, 'reservation.withdrawn.v1')
    from cancelled c
    where (c.row).charger_status = 'Accepted'
    union all
    select reservations.reservation_event(p.row, 'reservation.promoted.v1')
    from promoted p
), answer (status, body, events) as (
    select 'ok', null::json, (select jsonb_agg(t.event) from told t)
)
select * from answer;
