-- in: name, location, address, timeZone, owner, openingHours, amenities, metadata, connectors
-- out: created, the station; event station.created.v1
-- refuses: time_zone_unknown, connector_taken, charge_point_taken
--
-- Connectors and charge points go in by id, so that two calls that name the
-- same ones in another order wait for each other instead of deadlocking. One
-- that stands elsewhere, or is another operator's, is found out by the
-- foreign keys; one that has no place yet is given this one.
with wanted as (
    select
        c."chargePointId" as charge_point_id,
        c."connectorNumber" as number,
        c.type,
        c."powerType" as power_type,
        c."maxPowerKw" as max_power_kw
    from jsonb_to_recordset(:connectors) as c (
        "chargePointId" text, "connectorNumber" int, type text, "powerType" text, "maxPowerKw" numeric)
), station as (
    insert into stations.station as s (
        id, operator_id, name, lat, lon, street, city, postal_code, country, time_zone,
        opening_hours, amenities, metadata, created_at, updated_at)
    select
        :newId, :owner, :name,
        (:location ->> 'lat')::numeric, (:location ->> 'lon')::numeric,
        :address ->> 'street', :address ->> 'city', :address ->> 'postalCode', :address ->> 'country',
        :timeZone, :openingHours, :amenities, :metadata, :now, :now
    where :callerRole = 'admin'
        or :owner = :callerCompany
    returning s as row
), charge_point as (
    insert into stations.charge_point as p (id, operator_id, station_id, created_at, updated_at)
    select distinct w.charge_point_id, :owner, :newId, :now, :now
    from wanted as w
    order by w.charge_point_id
    on conflict (id) do update
    set station_id = excluded.station_id,
        version = p.version + 1,
        updated_at = excluded.updated_at
    where p.station_id is null
), connector as (
    insert into stations.connector as c (station_id, charge_point_id, number, type, power_type, max_power_kw)
    select :newId, w.charge_point_id, w.number, w.type, w.power_type, w.max_power_kw
    from wanted as w
    order by w.charge_point_id, w.number
    returning c as row
), shape as (
    select
        json_agg(stations.connector_body(c.row, t) order by (c.row).charge_point_id, (c.row).number) as connectors,
        json_agg(stations.connector_event(c.row) order by (c.row).charge_point_id, (c.row).number) as carried,
        array_agg(coalesce(t.status, 'Unavailable')) as statuses
    from connector as c
    left join stations.connector_status as t
        on t.charge_point_id = (c.row).charge_point_id
        and t.number = (c.row).number
), answer (status, body, events) as (
    select
        'created',
        stations.station_body(s.row, h.connectors, h.statuses),
        jsonb_build_array(jsonb_build_object(
            'type', 'station.created.v1',
            'aggregateId', (s.row).id,
            'payload', stations.station_event(s.row, h.carried)))
    from station as s
    cross join shape as h
)
select * from answer;
