-- in: sessionId, reservationId, connectorId, idTag, startTime
-- out: ok
-- The reservation that the session names, or the one held at its connector
-- for its tag. Others that are held there at that moment are obstructed:
-- somebody charges in their place.
with begun as (
    select coalesce(:startTime, :eventTime) as at
), used as (
    select r.id
    from reservations.reservation r
    cross join begun b
    where r.connector_id = :connectorId
        and r.status in ('PENDING', 'CONFIRMED')
        and (r.id = :reservationId
            or lower(r.id_tag) = lower(:idTag) and r.holds_from <= b.at and r.expires_at > b.at)
    order by r.id = :reservationId desc nulls last, r.start_time
    limit 1
), active as (
    update reservations.reservation r
    set status = 'ACTIVE',
        session_id = :sessionId,
        used_at = b.at,
        updated_at = :now,
        version = r.version + 1
    from used u
    cross join begun b
    where r.id = u.id
    returning r as row
), obstructed as (
    update reservations.reservation r
    set obstructed = true
    from begun b
    where r.connector_id = :connectorId
        and r.status in ('PENDING', 'CONFIRMED')
        and r.holds_from <= b.at
        and r.expires_at > b.at
        and not exists (select from used)
), answer (status, body, events) as (
    select 'ok',
        null::json,
        (select jsonb_agg(reservations.reservation_event(a.row, 'reservation.used.v1')) from active a)
)
select * from answer;
