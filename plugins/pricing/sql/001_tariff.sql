-- Tariffs, their versions, and our own copy of what they are for.

-- Stations and connectors as stations told us by its events.
create table pricing.station (
    station_id  uuid not null,
    name        text not null,
    operator_id text,               -- a company
    time_zone   text not null,      -- IANA name
    country     text,
    constraint station_pkey primary key (station_id)
);

create table pricing.connector (
    connector_id     uuid not null,
    station_id       uuid not null,
    charge_point_id  text not null,
    connector_number int  not null,
    type             text,
    power_type       text,
    max_power_kw     numeric,
    constraint connector_pkey primary key (connector_id),
    constraint connector_station foreign key (station_id)
        references pricing.station (station_id) on delete cascade
);
create index connector_of_station on pricing.connector (station_id);


-- One tariff a target; what changes is its version.
create table pricing.tariff (
    tariff_id uuid not null,
    scope     text not null,
    target_id text not null,        -- of the station, connector or company
    version   int  not null default 1,
    constraint tariff_pkey primary key (tariff_id),
    constraint tariff_target unique (scope, target_id),
    constraint tariff_scope check (scope in ('connector', 'station', 'operator'))
);

-- Versions are never changed: sessions that began with one keep it.
create table pricing.tariff_version (
    tariff_version_id uuid        not null,
    tariff_id         uuid        not null,
    number            int         not null,
    owner_id          text,         -- company that it binds; null: set by an admin
    tariff            jsonb       not null,
    currency          text        not null,
    valid_from        timestamptz not null,
    starts_at         timestamptz,  -- the tariff's own start_date_time
    ends_at           timestamptz,  -- and end_date_time, exclusive
    created_at        timestamptz not null,
    base_id           uuid,         -- the version that a surge, until ends_at, stands over; null: none
    constraint tariff_version_pkey primary key (tariff_version_id),
    constraint tariff_version_number unique (tariff_id, number),
    constraint tariff_version_tariff foreign key (tariff_id)
        references pricing.tariff (tariff_id)
);
create index tariff_version_latest on pricing.tariff_version (tariff_id, valid_from desc, number desc);


-- station_of(scope, target): the station that a target is or belongs to; null
-- for an operator, and as long as a connector is not known.
create function pricing.station_of(scope text, target text) returns uuid
language sql stable
return case scope
    when 'station' then target::uuid
    when 'connector' then (
        select c.station_id
        from pricing.connector as c
        where c.connector_id = target::uuid)
end;

-- operator_of(scope, target): the company that a target belongs to; null as
-- long as the target is not known.
create function pricing.operator_of(scope text, target text) returns text
language sql stable
return case scope
    when 'operator' then target
    else (
        select s.operator_id
        from pricing.station as s
        where s.station_id = pricing.station_of(scope, target))
end;

-- is_known(scope, target, moment): whether there is such a target, as far as
-- we can know: of stations and connectors that were made less than a minute
-- ago, as their ids tell (UUIDv7), the event may still be on its way.
create function pricing.is_known(scope text, target text, moment timestamptz) returns boolean
language sql stable
return scope = 'operator'
    or exists (
        select
        from pricing.station as s
        where s.station_id = pricing.station_of(scope, target))
    or (substr(target, 15, 1) = '7'
        and abs(extract(epoch from moment) * 1000
            - ('x' || left(replace(target, '-', ''), 12))::bit(48)::bigint) < 60000);

-- in_force(tariff, moment, surged): its version then, or null; of those alone
-- that were set, where surged is false. A version that a company set for what
-- turned out to be another's binds nobody.
create function pricing.in_force(wanted uuid, moment timestamptz, surged boolean default true) returns uuid
language sql stable
return (
    select v.tariff_version_id
    from pricing.tariff as t
    join pricing.tariff_version as v on v.tariff_id = t.tariff_id
    where t.tariff_id = wanted
        and (surged or v.base_id is null)
        and v.valid_from <= moment
        and (v.starts_at is null or v.starts_at <= moment)
        and (v.ends_at is null or v.ends_at > moment)
        and (v.owner_id is null or v.owner_id = pricing.operator_of(t.scope, t.target_id))
    order by v.valid_from desc, v.number desc
    limit 1);

-- at_connector(connector, moment, surged): the version in force there: the
-- connector's own, else the station's, else the operator's.
create function pricing.at_connector(wanted uuid, moment timestamptz, surged boolean default true) returns uuid
language sql stable
return (
    select f.version_id
    from pricing.connector as c
    join pricing.station as s on s.station_id = c.station_id
    join pricing.tariff as t on (t.scope, t.target_id) in (
        ('connector', c.connector_id::text),
        ('station', c.station_id::text),
        ('operator', s.operator_id))
    cross join lateral (
        select pricing.in_force(t.tariff_id, moment, surged) as version_id) as f
    where c.connector_id = wanted
        and f.version_id is not null
    order by pg_catalog.array_position(array['connector', 'station', 'operator'], t.scope)
    limit 1);

-- version_add(…): the next version of a target's tariff, which is made with its
-- first; what pricing.updated.v1 says of it. The conflict serialises versions
-- of one tariff.
create function pricing.version_add(
    of_scope text, target text, owner text, written jsonb, written_currency text,
    valid timestamptz, starts timestamptz, ends timestamptz, base uuid, moment timestamptz) returns jsonb
language plpgsql as $$
declare
    place pricing.tariff;
    made  pricing.tariff_version;
begin
    insert into pricing.tariff as t (tariff_id, scope, target_id)
    values (vg.uuid7(), of_scope, target)
    on conflict (scope, target_id) do update
    set version = t.version + 1
    returning t.* into place;
    insert into pricing.tariff_version as v (
        tariff_version_id, tariff_id, number, owner_id, tariff, currency,
        valid_from, starts_at, ends_at, created_at, base_id)
    values (vg.uuid7(), place.tariff_id, place.version, owner, written, written_currency,
        valid, starts, ends, moment, base)
    returning v.* into made;
    return jsonb_build_object(
        'tariffVersionId', made.tariff_version_id,
        'tariffId', made.tariff_id,
        'stationId', case when of_scope = 'station' then target end,
        'connectorId', case when of_scope = 'connector' then target end,
        'operatorId', case when of_scope = 'operator' then target end,
        'tariff', made.tariff,
        'currency', made.currency,
        'validFrom', vg.z(made.valid_from),
        'ownerId', made.owner_id,
        'companyId', coalesce(pricing.operator_of(of_scope, target), made.owner_id),
        'baseVersionId', made.base_id);
end
$$;

-- told(version): the event of what version_add() says.
create function pricing.told(version jsonb) returns jsonb
language sql immutable
return pg_catalog.jsonb_build_object(
    'type', 'pricing.updated.v1',
    'aggregateId', version ->> 'tariffId',
    'payload', version);

-- station_board(station, moment): a station with the tariff at each of its
-- connectors; the prices are added by the plugin, from the tariff.
create function pricing.station_board(wanted uuid, moment timestamptz) returns json
language sql stable
return (
    select pg_catalog.json_build_object(
        'stationId', s.station_id,
        'name', s.name,
        'operatorId', s.operator_id,
        'timeZone', s.time_zone,
        'connectors', coalesce((
            select pg_catalog.json_agg(
                pg_catalog.json_build_object(
                    'connectorId', c.connector_id,
                    'chargePointId', c.charge_point_id,
                    'connectorNumber', c.connector_number,
                    'type', c.type,
                    'powerType', c.power_type,
                    'maxPowerKw', c.max_power_kw,
                    'scope', t.scope,
                    'tariffId', v.tariff_id,
                    'tariffVersionId', v.tariff_version_id,
                    'validFrom', vg.z(v.valid_from),
                    'currency', v.currency,
                    'tariff', v.tariff)
                order by c.charge_point_id, c.connector_number)
            from pricing.connector as c
            left join pricing.tariff_version as v
                on v.tariff_version_id = pricing.at_connector(c.connector_id, moment)
            left join pricing.tariff as t on t.tariff_id = v.tariff_id
            where c.station_id = s.station_id), '[]'::json))
    from pricing.station as s
    where s.station_id = wanted);
