-- in: name, lat, lon, street, city, postalCode, country, zone, owner, list
-- out: created, the station's id; ok when the operator has one of this name
-- there; event station.created.v1
-- refuses: time_zone_unknown, connector_taken, charge_point_taken
--
-- A row of a file. What stands is left as it is: changing it is PATCH's. One
-- that was imported and renamed since does not come back under its old name.
with wanted as (
    select
        c."chargePointId" as charge_point_id,
        c."connectorNumber" as number,
        c.type,
        c."powerType" as power_type,
        c."maxPowerKw" as max_power_kw
    from jsonb_to_recordset(:list) as c (
        "chargePointId" text, "connectorNumber" int, type text, "powerType" text, "maxPowerKw" numeric)
), known as (
    select s.id
    from stations.station as s
    where s.operator_id = :owner
        and s.name = :name
        and s.lat = :lat
        and s.lon = :lon
    limit 1
), imported as (
    insert into stations.imported as i (operator_id, name, lat, lon, station_id)
    select :owner, :name, :lat, :lon, :newId
    where not exists (select from known)
        and (:callerRole = 'admin' or :owner = :callerCompany)
    on conflict do nothing
    returning i.station_id
), station as (
    insert into stations.station as s (
        id, operator_id, name, lat, lon, street, city, postal_code, country, time_zone, created_at, updated_at)
    select i.station_id, :owner, :name, :lat, :lon, :street, :city, :postalCode, :country, :zone, :now, :now
    from imported as i
    returning s as row
), charge_point as (
    insert into stations.charge_point as p (id, operator_id, station_id, created_at, updated_at)
    select distinct w.charge_point_id, :owner, i.station_id, :now, :now
    from wanted as w
    cross join imported as i
    order by w.charge_point_id
    on conflict (id) do update
    set station_id = excluded.station_id,
        version = p.version + 1,
        updated_at = excluded.updated_at
    where p.station_id is null
), connector as (
    insert into stations.connector as c (station_id, charge_point_id, number, type, power_type, max_power_kw)
    select i.station_id, w.charge_point_id, w.number, w.type, w.power_type, w.max_power_kw
    from wanted as w
    cross join imported as i
    order by w.charge_point_id, w.number
    returning c as row
), shape as (
    select json_agg(stations.connector_event(c.row) order by (c.row).charge_point_id, (c.row).number) as carried
    from connector as c
), answer (status, body, events) as (
    select
        'created',
        json_build_object('id', (s.row).id),
        jsonb_build_array(jsonb_build_object(
            'type', 'station.created.v1',
            'aggregateId', (s.row).id,
            'payload', stations.station_event(s.row, h.carried)))
    from station as s
    cross join shape as h
    union all
    select 'ok', null, null
    where not exists (select from imported)
)
select * from answer;
