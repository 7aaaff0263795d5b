-- How rows look from outside: one function a shape. Views and statements use
-- the same, since a statement cannot see its own changes through a view.


-- merge_patch(target, patch): RFC 7396.
create function stations.merge_patch(target jsonb, patch jsonb) returns jsonb
language plpgsql immutable parallel safe as $$
declare
    merged jsonb := target;
    member record;
begin
    if pg_catalog.jsonb_typeof(patch) is distinct from 'object' then
        return patch;
    end if;
    if pg_catalog.jsonb_typeof(merged) is distinct from 'object' then
        merged := '{}';
    end if;
    for member in
        select e.key, e.value
        from pg_catalog.jsonb_each(patch) as e
    loop
        if pg_catalog.jsonb_typeof(member.value) = 'null' then
            merged := merged - member.key;
        else
            merged := merged || pg_catalog.jsonb_build_object(
                member.key, stations.merge_patch(merged -> member.key, member.value));
        end if;
    end loop;
    return merged;
end
$$;


-- station_status(statuses): one word for all connectors: the best that a
-- driver who arrives now can hope for.
create function stations.station_status(statuses text[]) returns text
language sql immutable parallel safe
return case
    when 'Available' = any (statuses) then 'Available'
    when statuses && array['Preparing', 'Charging', 'SuspendedEV', 'SuspendedEVSE', 'Finishing'] then 'Charging'
    when 'Reserved' = any (statuses) then 'Reserved'
    when 'Unavailable' = any (statuses) then 'Unavailable'
    when 'Faulted' = any (statuses) then 'Faulted'
    else 'Unavailable'
end;


-- A connector as events carry it.
create function stations.connector_event(c stations.connector) returns json
language sql stable
return pg_catalog.json_build_object(
    'connectorId', c.id,
    'chargePointId', c.charge_point_id,
    'connectorNumber', c.number,
    'type', c.type,
    'powerType', c.power_type,
    'maxPowerKw', c.max_power_kw);

create function stations.connector_shape(c stations.connector, status text) returns json
language sql stable
return pg_catalog.json_build_object(
    'connectorId', c.id,
    'chargePointId', c.charge_point_id,
    'connectorNumber', c.number,
    'type', c.type,
    'powerType', c.power_type,
    'maxPowerKw', c.max_power_kw,
    'status', status);

-- A connector with its state; one that was never heard of is Unavailable.
create function stations.connector_body(c stations.connector, s stations.connector_status) returns json
language sql stable
return stations.connector_shape(c, coalesce(s.status, 'Unavailable'));

-- microseconds(t): since 1970, exactly; 0 for a moment that there was not.
create function stations.microseconds(t timestamptz) returns bigint
language sql stable parallel safe
return coalesce((extract(epoch from t) * 1000000)::bigint, 0);

-- A connector whose status is a slot, "status@since@connector", which shape.c
-- fills with the latest word: what is around it can be kept.
create function stations.connector_slot(c stations.connector, s stations.connector_status) returns json
language sql stable
return stations.connector_shape(c,
    coalesce(s.status, 'Unavailable') || '@' || stations.microseconds(s.received_at) || '@' || c.id);


-- What a PUT or PATCH of a station may change, as the client wrote it.
create function stations.station_document(s stations.station) returns jsonb
language sql stable
return pg_catalog.jsonb_build_object(
    'name', s.name,
    'location', pg_catalog.jsonb_build_object('lat', s.lat, 'lon', s.lon),
    'address', pg_catalog.jsonb_build_object(
        'street', s.street,
        'city', s.city,
        'postalCode', s.postal_code,
        'country', s.country),
    'timeZone', s.time_zone,
    'operatorId', s.operator_id,
    'openingHours', s.opening_hours,
    'amenities', s.amenities,
    'metadata', s.metadata);

create function stations.station_shape(s stations.station, connectors json, capacity int, status text) returns json
language sql stable
return pg_catalog.json_build_object(
    'id', s.id,
    'name', s.name,
    'operatorId', s.operator_id,
    'location', pg_catalog.json_build_object('lat', s.lat, 'lon', s.lon),
    'address', pg_catalog.json_build_object(
        'street', s.street,
        'city', s.city,
        'postalCode', s.postal_code,
        'country', s.country),
    'timeZone', s.time_zone,
    'openingHours', s.opening_hours,
    'amenities', s.amenities,
    'metadata', s.metadata,
    'capacity', capacity,
    'status', status,
    'connectors', coalesce(connectors, '[]'),
    'version', s.version,
    'createdAt', vg.z(s.created_at),
    'updatedAt', vg.z(s.updated_at));

create function stations.station_body(s stations.station, connectors json, statuses text[]) returns json
language sql stable
return stations.station_shape(s, connectors,
    coalesce(pg_catalog.cardinality(statuses), 0), stations.station_status(statuses));

-- The payload of station.created.v1 and station.updated.v1.
create function stations.station_event(s stations.station, connectors json) returns json
language sql stable
return pg_catalog.json_build_object(
    'stationId', s.id,
    'name', s.name,
    'operatorId', s.operator_id,
    'timeZone', s.time_zone,
    'country', s.country,
    'connectors', coalesce(connectors, '[]'));


-- A socket is gone with its node, too: one that was not seen lately told no
-- farewells.
create function stations.link_connected(l stations.link) returns boolean
language sql stable
return coalesce(l.connected and vg.node_alive(l.node), false);

create function stations.charge_point_body(p stations.charge_point, l stations.link) returns json
language sql stable
return pg_catalog.json_build_object(
    'id', p.id,
    'stationId', p.station_id,
    'operatorId', p.operator_id,
    'securityProfile', p.security_profile,
    'hasPassword', p.hash is not null,
    'pending', p.station_id is null,
    'connected', stations.link_connected(l),
    'lastSeen', vg.z(l.last_seen),
    'ocppVersion', l.protocol,
    'vendor', l.vendor,
    'model', l.model,
    'serialNumber', l.serial_number,
    'firmwareVersion', l.firmware_version,
    'bootedAt', vg.z(l.booted_at),
    'firmwareStatus', l.firmware_status,
    'diagnosticsStatus', l.diagnostics_status,
    'version', p.version,
    'createdAt', vg.z(p.created_at),
    'updatedAt', vg.z(p.updated_at));


create view stations.station_json as
select
    s.id,
    s.operator_id,
    s.city,
    stations.station_status(c.statuses) as status,
    stations.station_body(s, c.connectors, c.statuses) as body
from stations.station as s
cross join lateral (
    select
        pg_catalog.json_agg(stations.connector_body(k, t) order by k.charge_point_id, k.number) as connectors,
        pg_catalog.array_agg(coalesce(t.status, 'Unavailable')) as statuses
    from stations.connector as k
    left join stations.connector_status as t
        on t.charge_point_id = k.charge_point_id
        and t.number = k.number
    where k.station_id = s.id
) as c;

create view stations.charge_point_json as
select
    p.id,
    p.operator_id,
    p.station_id,
    stations.link_connected(l) as connected,
    stations.charge_point_body(p, l) as body
from stations.charge_point as p
left join stations.link as l on l.charge_point_id = p.id;
