-- in: stationId
-- out: ok
with gone as (
    update reservations.connector
    set removed_at = :now
    where station_id = :stationId
        and removed_at is null
), cancelled as (
    update reservations.reservation r
    set status = 'CANCELLED',
        reason = 'connector_removed',
        over_at = :now,
        updated_at = :now,
        version = r.version + 1
    where r.station_id = :stationId
        and r.status in ('PENDING', 'CONFIRMED', 'WAITLISTED')
    returning r as row
), told as (
    select reservations.reservation_event(c.row, 'reservation.cancelled.v1') as event
    from cancelled c
    union all
    select reservations.order_event(c.row, 'reservation.withdrawn.v1')
    from cancelled c
    where (c.row).charger_status = 'Accepted'
), answer (status, body, events) as (
    select 'ok', null::json, (select jsonb_agg(t.event) from told t)
)
select * from answer;
