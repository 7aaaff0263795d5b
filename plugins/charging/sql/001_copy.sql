-- What charging keeps of its neighbours, fed by events: where a connector
-- stands and what it costs. When a charger speaks, nothing else is asked.

create table charging.connector (
    connector_id      uuid        not null,
    station_id        uuid        not null,
    charge_point_id   text        not null,
    connector_number  int         not null,
    operator_id       text,
    country           text,
    time_zone         text        not null default 'UTC',
    connector_type    text,
    power_type        text,
    max_power_kw      numeric,
    status            text,                 -- OCPP's word, as last told
    status_since      timestamptz,
    removed_at        timestamptz,          -- gone from its station
    constraint connector_pkey primary key (connector_id)
);
-- Not unique: that is the stations' invariant, and their events may take a
-- number from one connector and give it to another in one step.
create index connector_frame on charging.connector (charge_point_id, connector_number)
    where removed_at is null;
create index connector_station on charging.connector (station_id);


-- Versions of OCPI tariffs; a row never changes, so a session freezes its
-- tariff by naming the version.
create table charging.tariff (
    tariff_version_id uuid        not null,
    tariff_id         text        not null,
    connector_id      uuid,
    station_id        uuid,
    operator_id       text,
    tariff            jsonb       not null,
    currency          text        not null,
    owner_id          text,                 -- company that set it; NULL: an admin
    valid_from        timestamptz not null,
    starts_at         timestamptz,          -- the tariff's own bounds
    ends_at           timestamptz,
    arrival           bigint      generated always as identity,
    constraint tariff_pkey primary key (tariff_version_id),
    constraint tariff_scope check (num_nonnulls(connector_id, station_id, operator_id) = 1)
);
create index tariff_connector on charging.tariff (connector_id, valid_from) where connector_id is not null;
create index tariff_station on charging.tariff (station_id, valid_from) where station_id is not null;
create index tariff_operator on charging.tariff (operator_id, valid_from) where operator_id is not null;

-- tariff_at(…): the version in force for a connector at a moment; the
-- connector's own goes before the station's, that before the operator's. What
-- a company set for a place that turned out to be another's binds nobody.
-- Chargers' clocks tell whole seconds: what came into force in the second in
-- which a session began is in force for it. plpgsql keeps its plan with the
-- connection, a function of SQL that reads a table has one made at each call.
create function charging.tariff_at(connector uuid, station uuid, operator text, moment timestamptz) returns uuid
language plpgsql stable parallel safe as $$
begin
    return (
        select t.tariff_version_id
        from charging.tariff t
        where t.valid_from < moment + interval '1 second'
            and (t.starts_at is null or t.starts_at <= moment)
            and (t.ends_at is null or t.ends_at > moment)
            and (t.connector_id = connector or t.station_id = station or t.operator_id = operator)
            and (t.owner_id is null or t.owner_id = operator)
        order by t.connector_id is null, t.station_id is null, t.valid_from desc, t.arrival desc
        limit 1);
end
$$;
