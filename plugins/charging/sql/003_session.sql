-- Sessions: from the wish to charge, or the charger's own Start, to the cost.

-- one int4 sequence for the house: OCPP's transactionId
create sequence charging.transaction_id as integer minvalue 1 no cycle;

create table charging.session (
    id                uuid        not null,
    status            text        not null,
    transaction_id    int,                  -- there is one once the charger started
    connector_id      uuid,                 -- NULL: not known when it started
    charge_point_id   text        not null,
    connector_number  int         not null,
    station_id        uuid,
    operator_id       text,
    country           text,
    time_zone         text        not null default 'UTC',
    customer_id       text,
    vehicle_id        uuid,
    company_id        text,                 -- fleet or partner on whose account
    id_tag            text        not null,
    one_time_tag      boolean     not null default false,
    reservation_id    uuid,
    tariff_version_id uuid,                 -- frozen at the start

    requested_at      timestamptz,          -- by the API
    deadline          timestamptz,          -- the charger must start by
    accepted_at       timestamptz,          -- RemoteStart answered

    meter_start_wh    bigint,
    start_charger_at  timestamptz,          -- the charger's clock
    start_received_at timestamptz,          -- ours
    started_at        timestamptz,          -- the one of the two that bills
    start_tag_status  text,                 -- what the Start was answered
    start_repeats     int         not null default 0,

    stop_deadline     timestamptz,          -- RemoteStop is out until
    meter_stop_wh     bigint,
    stop_charger_at   timestamptz,
    stop_received_at  timestamptz,
    stopped_at        timestamptz,
    stop_reason       text,
    stop_id_tag       text,
    stop_repeats      int         not null default 0,

    completed_at      timestamptz,
    currency          text,
    cost              numeric,              -- excluding VAT; NULL: not priced
    cost_incl_vat     numeric,              -- NULL: the tariff names no VAT
    costs             jsonb,                -- OCPI CDR costs, whole
    invoice_id        uuid,
    failure           text,
    superseded_at     timestamptz,          -- a later Start came without its Stop
    heard_at          timestamptz,          -- last sign of it, when the reaper last looked
    reaped_at         timestamptz,          -- its Stop never came: derived
    flags             text[]      not null default '{}',
    version           int         not null default 1,
    constraint session_pkey primary key (id),
    constraint session_transaction unique (transaction_id)
);
-- the same Start twice is one session
create unique index session_start_key on charging.session
    (charge_point_id, connector_number, start_charger_at, meter_start_wh, lower(id_tag))
    where transaction_id is not null;
create index session_open on charging.session (charge_point_id, connector_number)
    where status in ('PENDING', 'STARTING', 'ACTIVE', 'SUSPENDED', 'STOPPING');
create index session_open_tag on charging.session (lower(id_tag))
    where status in ('PENDING', 'STARTING', 'ACTIVE', 'SUSPENDED', 'STOPPING');
create index session_one_time on charging.session (lower(id_tag)) where one_time_tag;
create index session_failed on charging.session (lower(id_tag), connector_id, id)
    where status = 'FAILED' and not one_time_tag;
create index session_waiting on charging.session (deadline) where status in ('PENDING', 'STARTING');
create index session_stopping on charging.session (stop_deadline) where status = 'STOPPING';
create index session_silent on charging.session (coalesce(heard_at, start_received_at))
    where status in ('ACTIVE', 'SUSPENDED');
create index session_connector on charging.session (connector_id, id);
create index session_customer on charging.session (customer_id, id);
create index session_operator on charging.session (operator_id, id);
create index session_company on charging.session (company_id, id);
create index session_vehicle on charging.session (vehicle_id, id);
create index session_station on charging.session (station_id, id);
create index session_unpriced on charging.session (operator_id, id)
    where status = 'COMPLETED' and cost is null;


-- Since when somebody listens without a gap: silence while nobody did is none.
create table charging.watch (
    one     boolean     not null default true,
    since   timestamptz not null,
    seen_at timestamptz not null,
    constraint watch_pkey primary key (one),
    constraint watch_one check (one)
);
insert into charging.watch (since, seen_at)
values (now(), now());


-- The life of a session. '' is before the first row. STOPPING goes back to
-- ACTIVE when the charger refused to stop or could not be asked.
create table charging.transition (
    old_status text not null,
    new_status text not null,
    constraint transition_pkey primary key (old_status, new_status)
);
insert into charging.transition (old_status, new_status)
values
    ('', 'PENDING'),
    ('', 'STARTING'),
    ('', 'ACTIVE'),
    ('PENDING', 'STARTING'),
    ('PENDING', 'FAILED'),
    ('STARTING', 'ACTIVE'),
    ('STARTING', 'FAILED'),
    ('ACTIVE', 'SUSPENDED'),
    ('ACTIVE', 'STOPPING'),
    ('SUSPENDED', 'ACTIVE'),
    ('SUSPENDED', 'STOPPING'),
    ('STOPPING', 'ACTIVE'),
    ('STOPPING', 'COMPLETED');

create function charging.session_moves() returns trigger
language plpgsql as $$
begin
    if not exists (
        select
        from charging.transition t
        where t.old_status = case tg_op when 'INSERT' then '' else old.status end
            and t.new_status = new.status)
    then
        raise exception 'a session does not go to %', new.status
            using errcode = '23514', constraint = 'conflict';
    end if;
    return new;
end
$$;
create trigger session_begins before insert on charging.session
    for each row execute function charging.session_moves();
create trigger session_moves before update of status on charging.session
    for each row when (old.status is distinct from new.status)
    execute function charging.session_moves();


-- billed_at(charger, received, earliest): the charger's clock bills when it
-- is not before earliest (monotonic within the session) and at most ten
-- minutes ahead of ours. A backlog may be months old, a clock that says 1970
-- is not: with no earliest moment known a year and a day is the limit.
create function charging.billed_at(charger timestamptz, received timestamptz, earliest timestamptz) returns timestamptz
language sql stable parallel safe
return case
    when charger >= coalesce(earliest, received - interval '366 days')
        and charger <= received + interval '10 minutes'
    then charger
    else received
end;

-- flag(flags, flag, holds): adds a mark once, where its condition holds.
create function charging.flag(flags text[], flag text, holds boolean) returns text[]
language sql immutable parallel safe
return case
    when holds and flag <> all (flags) then flags || flag
    else flags
end;
