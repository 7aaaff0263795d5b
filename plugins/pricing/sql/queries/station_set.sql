-- in: stationId, name, operatorId, timeZone, country, connectors
-- out: ok
with station as (
    insert into pricing.station as s (station_id, name, operator_id, time_zone, country)
    values (:stationId, coalesce(:name, ''), :operatorId, coalesce(:timeZone, 'UTC'), :country)
    on conflict (station_id) do update
    set name = excluded.name,
        operator_id = excluded.operator_id,
        time_zone = excluded.time_zone,
        country = excluded.country
), told as (
    select
        c."connectorId" as connector_id,
        c."chargePointId" as charge_point_id,
        c."connectorNumber" as connector_number,
        c.type,
        c."powerType" as power_type,
        c."maxPowerKw" as max_power_kw
    from jsonb_to_recordset(:connectors) as c (
        "connectorId" uuid, "chargePointId" text, "connectorNumber" int,
        type text, "powerType" text, "maxPowerKw" numeric)
), gone as (
    delete from pricing.connector as c
    where c.station_id = :stationId
        and not exists (select from told as t where t.connector_id = c.connector_id)
), kept as (
    insert into pricing.connector as c (
        connector_id, station_id, charge_point_id, connector_number, type, power_type, max_power_kw)
    select
        t.connector_id, :stationId, t.charge_point_id, t.connector_number,
        t.type, t.power_type, t.max_power_kw
    from told as t
    on conflict (connector_id) do update
    set station_id = excluded.station_id,
        charge_point_id = excluded.charge_point_id,
        connector_number = excluded.connector_number,
        type = excluded.type,
        power_type = excluded.power_type,
        max_power_kw = excluded.max_power_kw
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
