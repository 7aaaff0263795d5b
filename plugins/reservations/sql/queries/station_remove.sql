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
    returning reservations.reservation_event(r, 'reservation.cancelled.v1') as event
), answer (status, body, events) as (
    select 'ok', null::json, (select jsonb_agg(c.event) from cancelled c)
)
select * from answer;
