-- in: stationId, operatorId, timeZone, country, connectors
-- out: ok
-- Takes over a station's connectors; those no longer named are gone, and so
-- is what was reserved there; a charger that holds it lets go.
with told as (
    select (c.value ->> 'connectorId')::uuid as connector_id,
        c.value ->> 'chargePointId' as charge_point_id,
        (c.value ->> 'connectorNumber')::int as connector_number,
        c.value ->> 'type' as connector_type,
        (c.value ->> 'maxPowerKw')::numeric as max_power_kw
    from jsonb_array_elements(coalesce(:connectors, '[]')) c
), gone as (
    update reservations.connector
    set removed_at = :now
    where station_id = :stationId
        and removed_at is null
        and connector_id not in (select t.connector_id from told t)
    returning connector_id
), kept as (
    insert into reservations.connector (connector_id, station_id, charge_point_id, connector_number,
        operator_id, time_zone, connector_type, max_power_kw, country)
    select t.connector_id, :stationId, t.charge_point_id, t.connector_number,
        :operatorId, coalesce(:timeZone, 'UTC'), t.connector_type, t.max_power_kw, :country
    from told t
    on conflict (connector_id) do update
    set station_id = excluded.station_id,
        charge_point_id = excluded.charge_point_id,
        connector_number = excluded.connector_number,
        operator_id = excluded.operator_id,
        time_zone = excluded.time_zone,
        connector_type = excluded.connector_type,
        max_power_kw = excluded.max_power_kw,
        country = excluded.country,
        removed_at = null
), cancelled as (
    update reservations.reservation r
    set status = 'CANCELLED',
        reason = 'connector_removed',
        over_at = :now,
        updated_at = :now,
        version = r.version + 1
    from gone g
    where r.connector_id = g.connector_id
        and r.status in ('PENDING', 'CONFIRMED', 'WAITLISTED')
    returning r as row
), ended as (
    select reservations.reservation_event(c.row, 'reservation.cancelled.v1') as event
    from cancelled c
    union all
    select reservations.order_event(c.row, 'reservation.withdrawn.v1')
    from cancelled c
    where (c.row).charger_status = 'Accepted'
), answer (status, body, events) as (
    select 'ok', null::json, (select jsonb_agg(e.event) from ended e)
)
select * from answer;
