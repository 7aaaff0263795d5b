-- Where connectors are and who stands there: our own copy, by events alone; and
-- by how much a station's prices surge, as it was decided last.

create table dynamic_pricing.station (
    station_id  uuid        not null,
    operator_id text        not null,
    time_zone   text        not null,
    revision    bigint      not null default 0, -- moves with what a decision looks at
    step        int         not null default 0, -- of the rule's occupancy; 0: none
    stepped_at  timestamptz,                    -- when it changed; null: not under this rule
    rule_id     uuid,                           -- by which it was decided
    number      bigint      not null default 0, -- of what pricing was told
    multiplier  numeric     default 1,          -- null: pricing is to be told whatever it is
    until       timestamptz,                    -- pricing goes by none of it any longer
    cut_at      timestamptz,                    -- something else will be set there then
    next_at     timestamptz,                    -- to be looked at again
    constraint station_pkey primary key (station_id)
);
create index station_operator on dynamic_pricing.station (operator_id, station_id);
create index station_due on dynamic_pricing.station (next_at) where next_at is not null;

create table dynamic_pricing.place (
    connector_id     uuid not null,
    station_id       uuid not null,
    charge_point_id  text not null,
    connector_number int  not null,
    constraint place_pkey primary key (connector_id),
    constraint place_station foreign key (station_id)
        references dynamic_pricing.station (station_id) on delete cascade
);
create index place_station on dynamic_pricing.place (station_id);
create index place_charge_point on dynamic_pricing.place (charge_point_id);

-- What a charger said of a connector, or (number 0) of itself; and the latest
-- session there. Ids of sessions are in the order in which these were made.
create table dynamic_pricing.connector (
    charge_point_id  text not null,
    connector_number int  not null,
    status           text,
    told_at          timestamptz,
    session_id       uuid,
    session_over     boolean not null default true,
    constraint connector_pkey primary key (charge_point_id, connector_number)
);


-- later(…): a job, unless there is one of that key.
create function dynamic_pricing.later(job_kind text, job_key text, what jsonb, correlation text) returns void
language sql
begin atomic
    insert into vg.job (plugin, kind, key, payload, correlation_id)
    values ('dynamic_pricing', job_kind, job_key, what, correlation)
    on conflict do nothing;
end;

-- share(station): how many of its connectors in service are taken, in per cent,
-- rounded down. One that nothing is known of is free.
create function dynamic_pricing.share(wanted uuid) returns int
language plpgsql stable as $$
begin
    return (
        select coalesce(100 * count(*) filter (where o.taken) / nullif(count(*), 0), 0)
        from (
            select
                not coalesce(c.session_over, true)
                    or coalesce(c.status not in ('Available', 'Unavailable', 'Faulted'), false) as taken,
                coalesce(c.status in ('Unavailable', 'Faulted'), false)
                    or coalesce(w.status in ('Unavailable', 'Faulted'), false) as out
            from dynamic_pricing.place as p
            left join dynamic_pricing.connector as c
                on (c.charge_point_id, c.connector_number) = (p.charge_point_id, p.connector_number)
            left join dynamic_pricing.connector as w
                on (w.charge_point_id, w.connector_number) = (p.charge_point_id, 0)
            where p.station_id = wanted) as o
        where o.taken or not o.out);
end
$$;
