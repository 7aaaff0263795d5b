-- in: id, body, replace (true: PUT, what is absent goes; false: PATCH, it stays)
-- out: ok, the station; event station.updated.v1
-- refuses: not_found, precondition_failed, time_zone_unknown, charge_point_taken
--
-- Connectors that stay keep their ids: sessions and tariffs know them by it.
-- A charge point that the list does not name any more is pending again.
with visible as (
    select s.id
    from stations.station as s
    where s.id = :id
        and (:callerRole = 'admin' or s.operator_id = :callerCompany)
), target as (
    select
        s.id,
        case
            when :replace then :body
            else stations.merge_patch(stations.station_document(s), :body)
        end as doc
    from stations.station as s
    join visible as v on v.id = s.id
    where :ifMatch is null or s.version = any (:ifMatch)
), wanted as (
    select
        t.id as station_id,
        coalesce(t.doc ->> 'operatorId', s.operator_id) as operator_id,
        c."chargePointId" as charge_point_id,
        c."connectorNumber" as number,
        c.type,
        c."powerType" as power_type,
        c."maxPowerKw" as max_power_kw
    from target as t
    join stations.station as s on s.id = t.id
    cross join jsonb_to_recordset(t.doc -> 'connectors') as c (
        "chargePointId" text, "connectorNumber" int, type text, "powerType" text, "maxPowerKw" numeric)
), station as (
    update stations.station as s
    set name = t.doc ->> 'name',
        operator_id = coalesce(t.doc ->> 'operatorId', s.operator_id),
        lat = (t.doc #>> '{location,lat}')::numeric,
        lon = (t.doc #>> '{location,lon}')::numeric,
        street = t.doc #>> '{address,street}',
        city = t.doc #>> '{address,city}',
        postal_code = t.doc #>> '{address,postalCode}',
        country = t.doc #>> '{address,country}',
        time_zone = t.doc ->> 'timeZone',
        opening_hours = nullif(t.doc -> 'openingHours', 'null'),
        amenities = nullif(t.doc -> 'amenities', 'null'),
        metadata = nullif(t.doc -> 'metadata', 'null'),
        version = s.version + 1,
        updated_at = :now
    from target as t
    where s.id = t.id
    returning s as row
), arrived as (
    insert into stations.charge_point as p (id, operator_id, station_id, created_at, updated_at)
    select distinct w.charge_point_id, w.operator_id, w.station_id, :now, :now
    from wanted as w
    order by w.charge_point_id
    on conflict (id) do update
    set station_id = excluded.station_id,
        version = p.version + 1,
        updated_at = excluded.updated_at
    where p.station_id is null
), put as (
    insert into stations.connector as c (station_id, charge_point_id, number, type, power_type, max_power_kw)
    select w.station_id, w.charge_point_id, w.number, w.type, w.power_type, w.max_power_kw
    from wanted as w
    order by w.charge_point_id, w.number
    on conflict on constraint connector_taken do update
    set station_id = excluded.station_id,
        type = excluded.type,
        power_type = excluded.power_type,
        max_power_kw = excluded.max_power_kw
    returning c as row
), removed as (
    delete from stations.connector as c
    using target as t
    where c.station_id = t.id
        and t.doc ? 'connectors'
        and not exists (
            select
            from wanted as w
            where w.charge_point_id = c.charge_point_id
                and w.number = c.number)
), left_behind as (
    update stations.charge_point as p
    set station_id = null,
        version = p.version + 1,
        updated_at = :now
    from target as t
    where p.station_id = t.id
        and t.doc ? 'connectors'
        and not exists (
            select
            from wanted as w
            where w.charge_point_id = p.id)
), kept as (
    select p.row
    from put as p
    union all
    select c
    from stations.connector as c
    join target as t on t.id = c.station_id
    where not t.doc ? 'connectors'
), shape as (
    select
        json_agg(stations.connector_body(c.row, t) order by (c.row).charge_point_id, (c.row).number) as connectors,
        json_agg(stations.connector_event(c.row) order by (c.row).charge_point_id, (c.row).number) as carried,
        array_agg(coalesce(t.status, 'Unavailable')) as statuses
    from kept as c
    left join stations.connector_status as t
        on t.charge_point_id = (c.row).charge_point_id
        and t.number = (c.row).number
), answer (status, body, events) as (
    select
        'ok',
        stations.station_body(s.row, h.connectors, h.statuses),
        jsonb_build_array(jsonb_build_object(
            'type', 'station.updated.v1',
            'aggregateId', (s.row).id,
            'payload', stations.station_event(s.row, h.carried)))
    from station as s
    cross join shape as h
    union all
    select case when exists (select from visible) then 'precondition_failed' else 'not_found' end, null, null
    where not exists (select from target)
)
select * from answer;
