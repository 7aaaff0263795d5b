-- Stations, the charge points that stand there, their connectors, and what
-- the chargers told about themselves.
--
-- What a client decides (station, charge_point, connector) and what a charger
-- tells (link, connector_status) are separate tables: a status that changes
-- every minute moves no version and no cached station.


-- The IANA names that this server's zone data knew when it was migrated. A
-- table, because pg_timezone_names reads 1,200 files at each look.
create table stations.time_zone (
    name text not null,
    constraint time_zone_pkey primary key (name)
);
insert into stations.time_zone (name)
select z.name
from pg_catalog.pg_timezone_names as z
where z.name !~ '^(posix|right)/'
    and z.name not in ('localtime', 'posixrules', 'Factory');


create table stations.station (
    id            uuid        not null,
    operator_id   text        not null,
    name          text        not null,
    lat           numeric     not null,
    lon           numeric     not null,
    street        text,
    city          text,
    postal_code   text,
    country       text        not null,    -- ISO 3166-1
    time_zone     text        not null,
    opening_hours jsonb,
    amenities     jsonb,
    metadata      jsonb,
    version       int         not null default 1,
    created_at    timestamptz not null,
    updated_at    timestamptz not null,
    -- for the index alone: a distance is neither money nor energy
    place         point       not null generated always as (pg_catalog.point(lon::float8, lat::float8)) stored,
    constraint station_pkey primary key (id),
    constraint station_operator_key unique (id, operator_id),
    constraint station_place check (lat between -90 and 90 and lon between -180 and 180),
    constraint time_zone_unknown foreign key (time_zone) references stations.time_zone (name)
);
create index station_operator on stations.station (operator_id, id);
create index station_near on stations.station using gist (place);
create index station_city on stations.station (pg_catalog.lower(city), id);


-- id is the OCPP identity. Without a station it is pending: it may connect
-- and boot, and hears so. Without hash it has no credentials and may not.
create table stations.charge_point (
    id               text        not null,
    operator_id      text        not null,
    station_id       uuid,
    salt             text,
    hash             text,                      -- SHA-256 of salt and password, hex
    security_profile smallint    not null default 2,
    version          int         not null default 1,
    created_at       timestamptz not null,
    updated_at       timestamptz not null,
    constraint charge_point_pkey primary key (id),
    constraint charge_point_station_key unique (id, station_id),
    constraint charge_point_identity check (id ~ '^[A-Za-z0-9*_=+|@.-]{1,48}$'),
    constraint charge_point_credentials check ((salt is null) = (hash is null)),
    constraint charge_point_profile check (security_profile between 1 and 3),
    -- a charge point stands at a station of its own operator: whoever names
    -- another one's hears that it is taken
    constraint charge_point_taken foreign key (station_id, operator_id)
        references stations.station (id, operator_id)
        on update cascade
);
create index charge_point_operator on stations.charge_point (operator_id, id);
create index charge_point_station on stations.charge_point (station_id, operator_id);


create table stations.connector (
    id              uuid    not null default vg.uuid7(),
    station_id      uuid    not null,
    charge_point_id text    not null,
    number          int     not null,           -- connectorId of OCPP, from 1
    type            text    not null,           -- ConnectorType of OCPI
    power_type      text    not null,           -- PowerType of OCPI
    max_power_kw    numeric not null,
    constraint connector_pkey primary key (id),
    constraint connector_taken unique (charge_point_id, number),
    constraint connector_number check (number between 1 and 65535),
    constraint connector_power check (max_power_kw >= 0),
    constraint connector_station foreign key (station_id) references stations.station (id),
    constraint charge_point_in_use foreign key (charge_point_id) references stations.charge_point (id),
    -- the connectors of a charge point are where it stands
    constraint charge_point_taken foreign key (charge_point_id, station_id)
        references stations.charge_point (id, station_id)
);
create index connector_by_station on stations.connector (station_id);


-- The socket and the last boot. epoch counts the connections of an identity:
-- what an older socket says of its end changes nothing.
create table stations.link (
    charge_point_id     text        not null,
    epoch               bigint      not null default 0,
    connected           boolean     not null default false,
    node                text,
    protocol            text,
    address             text,
    last_seen           timestamptz,
    booted_at           timestamptz,
    vendor              text,
    model               text,
    serial_number       text,
    box_serial_number   text,
    firmware_version    text,
    iccid               text,
    imsi                text,
    meter_type          text,
    meter_serial_number text,
    firmware_status     text,
    firmware_at         timestamptz,
    diagnostics_status  text,
    diagnostics_at      timestamptz,
    constraint link_pkey primary key (charge_point_id),
    constraint link_charge_point foreign key (charge_point_id)
        references stations.charge_point (id) on delete cascade
) with (fillfactor = 50);


-- Number 0 is the charge point as a whole. A charger may tell of connectors
-- that no station has yet: they are kept, and found when it has.
create table stations.connector_status (
    charge_point_id   text        not null,
    number            int         not null,
    status            text        not null,
    error_code        text        not null,
    info              text,
    vendor_id         text,
    vendor_error_code text,
    since             timestamptz not null,     -- the charger's clock where it can be believed
    received_at       timestamptz not null,     -- ours; each change has a later one than the last
    constraint connector_status_pkey primary key (charge_point_id, number),
    constraint connector_status_word check (status in (
        'Available', 'Preparing', 'Charging', 'SuspendedEVSE', 'SuspendedEV',
        'Finishing', 'Reserved', 'Unavailable', 'Faulted')),
    constraint connector_status_charge_point foreign key (charge_point_id)
        references stations.charge_point (id) on delete cascade
) with (fillfactor = 50);
