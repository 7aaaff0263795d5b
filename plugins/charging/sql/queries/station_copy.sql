-- in: stationId, operatorId, timeZone, country, connectors
-- out: ok
-- Takes over a station's connectors; those no longer named are gone.
with told as (
    select (c.value ->> 'connectorId')::uuid as connector_id,
        c.value ->> 'chargePointId' as charge_point_id,
        (c.value ->> 'connectorNumber')::int as connector_number,
        c.value ->> 'type' as connector_type,
        c.value ->> 'powerType' as power_type,
        (c.value ->> 'maxPowerKw')::numeric as max_power_kw
    from jsonb_array_elements(coalesce(:connectors, '[]')) c
), gone as (
    update charging.connector
    set removed_at = :now
    where station_id = :stationId
        and removed_at is null
        and connector_id not in (select t.connector_id from told t)
), kept as (
    insert into charging.connector (connector_id, station_id, charge_point_id, connector_number,
        operator_id, country, time_zone, connector_type, power_type, max_power_kw)
    select t.connector_id, :stationId, t.charge_point_id, t.connector_number,
        :operatorId, :country, coalesce(:timeZone, 'UTC'), t.connector_type, t.power_type, t.max_power_kw
    from told t
    on conflict (connector_id) do update
    set station_id = excluded.station_id,
        charge_point_id = excluded.charge_point_id,
        connector_number = excluded.connector_number,
        operator_id = excluded.operator_id,
        country = excluded.country,
        time_zone = excluded.time_zone,
        connector_type = excluded.connector_type,
        power_type = excluded.power_type,
        max_power_kw = excluded.max_power_kw,
        removed_at = null
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
