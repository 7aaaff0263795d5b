-- What chargers measure, and when their connectors changed state.

create table charging.meter_value (
    charge_point_id  text        not null,
    connector_number int         not null,
    at               timestamptz not null,  -- the charger's clock
    measurand        text        not null,
    phase            text        not null,  -- '' for all phases
    context          text        not null,
    location         text        not null,
    received_at      timestamptz not null,
    session_id       uuid,
    unit             text        not null,
    raw              text        not null,  -- as it came, also signed data
    energy_wh        numeric,               -- the register of the outlet
    power_kw         numeric,
    current_a        numeric,
    constraint meter_value_key unique
        (charge_point_id, connector_number, at, measurand, phase, context, location)
);
create index meter_value_energy on charging.meter_value (session_id, energy_wh)
    where energy_wh is not null;
create index meter_value_session on charging.meter_value (session_id, at)
    where session_id is not null;


-- A sample as the plugin read it (samples.c), its defaults filled in.
create type charging.sample as (
    at        timestamptz,  -- null: it could not be read
    measurand text,
    phase     text,
    context   text,
    location  text,
    unit      text,
    raw       text,
    energy_wh numeric,
    power_kw  numeric,
    current_a numeric
);


create table charging.connector_status (
    charge_point_id  text        not null,
    connector_number int         not null,
    since            timestamptz not null,  -- the charger's clock
    received_at      timestamptz not null,
    status           text        not null,
    error_code       text,
    constraint connector_status_key unique (charge_point_id, connector_number, since, status)
);
create index connector_status_received on charging.connector_status
    (charge_point_id, connector_number, received_at);


-- What the cost of a session is made of: its bounds, the register, what was
-- sampled and in which state the connector was. Instants are microseconds
-- since 1970. Where our clock bills (started_at is not the charger's), the
-- moments of receipt stand for the charger's everywhere. Power and current
-- are the whole's where it was sampled, else the sum over L1, L2 and L3; each
-- counts once, however many contexts told it. Without a place there is no
-- tariff, not even the operator's: its time zone would be a guess.
create view charging.costing_json as
select s.id as session_id,
    json_build_object(
        'sessionId', s.id,
        'start', (extract(epoch from s.started_at) * 1000000)::bigint,
        'end', (extract(epoch from s.stopped_at) * 1000000)::bigint,
        'meterStartWh', s.meter_start_wh,
        'meterStopWh', s.meter_stop_wh,
        'timeZone', coalesce(c.time_zone, s.time_zone),
        'tariffVersionId', t.tariff_version_id,
        'tariffId', t.tariff_id,
        'currency', t.currency,
        'tariff', t.tariff,
        'samples', (
            select coalesce(json_agg(json_build_object(
                'at', (extract(epoch from g.at) * 1000000)::bigint,
                'energyWh', g.energy_wh::text,
                'powerKw', g.power_kw::text,
                'currentA', g.current_a::text) order by g.at), '[]')
            from (
                select p.at,
                    max(p.energy_wh) as energy_wh,
                    coalesce(max(p.power_kw) filter (where p.phase = ''), sum(p.power_kw)) as power_kw,
                    coalesce(max(p.current_a) filter (where p.phase = ''), sum(p.current_a)) as current_a
                from (
                    select case s.started_at when s.start_charger_at then m.at else m.received_at end as at,
                        left(m.phase, 2) as phase,
                        max(m.energy_wh) as energy_wh,
                        max(m.power_kw) as power_kw,
                        max(m.current_a) as current_a
                    from charging.meter_value m
                    where m.session_id = s.id
                        and num_nonnulls(m.energy_wh, m.power_kw, m.current_a) > 0
                        and m.phase ~ '^(L[123](-N)?)?$'
                    group by 1, 2) p
                group by p.at
                order by p.at
                limit 20000) g),
        'statuses', (
            select coalesce(json_agg(json_build_object(
                'at', (extract(epoch from h.at) * 1000000)::bigint,
                'status', h.status) order by h.at), '[]')
            from (
                select case s.started_at when s.start_charger_at then o.since else o.received_at end as at,
                    o.status
                from charging.connector_status o
                where o.charge_point_id = s.charge_point_id
                    and o.connector_number = s.connector_number
                    and o.received_at >= s.started_at - interval '10 minutes'
                order by 1
                limit 20000) h
            where h.at >= s.started_at
                and h.at < coalesce(s.stopped_at, 'infinity'))
    ) as body
from charging.session s
left join lateral (
    select k.connector_id, k.station_id, k.operator_id, k.time_zone
    from charging.connector k
    where s.connector_id is null
        and k.charge_point_id = s.charge_point_id
        and k.connector_number = s.connector_number
        and k.removed_at is null
    order by k.connector_id desc
    limit 1) c on true
left join charging.tariff t
    on t.tariff_version_id = coalesce(
        s.tariff_version_id,
        case
            when coalesce(s.connector_id, c.connector_id) is not null
            then charging.tariff_at(
                coalesce(s.connector_id, c.connector_id),
                coalesce(s.station_id, c.station_id),
                coalesce(s.operator_id, c.operator_id),
                s.started_at)
        end);
