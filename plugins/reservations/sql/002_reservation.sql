-- Reservations: an interval of a connector, held for a tag.

-- OCPP's reservationId. Drawn under the connector's lock, so it is also the
-- order of the waitlist.
create sequence reservations.ocpp_reservation_id as integer minvalue 1 no cycle;

create table reservations.reservation (
    id                  uuid        not null,
    ocpp_reservation_id int         not null default nextval('reservations.ocpp_reservation_id'),
    status              text        not null,
    connector_id        uuid,                 -- NULL: waits for any of the station
    station_id          uuid        not null,
    charge_point_id     text,
    connector_number    int,
    connector_type      text,                 -- that was asked for
    operator_id         text,
    customer_id         text,
    vehicle_id          uuid,
    company_id          text,                 -- fleet or partner on whose account
    id_tag              text        not null,
    one_time_tag        boolean     not null, -- made here: the caller had none

    start_time          timestamptz not null,
    end_time            timestamptz not null,
    during              tstzrange   generated always as (tstzrange(start_time, end_time)) stored,
    grace               interval    not null, -- as it was set when it was made
    ahead               interval    not null,
    free_for            interval    not null, -- cancelling is free so long before its start
    holds_from          timestamptz not null, -- others are kept off from here on
    expires_at          timestamptz not null, -- not used by then: EXPIRED
    tariff_version_id   uuid,                 -- frozen when it was made

    asked_at            timestamptz,          -- the charger, last
    charger_status      text,                 -- its answer, or why there is none
    warned_at           timestamptz,          -- reservation.expiring.v1 was told
    lapsed_at           timestamptz,          -- its expiry was ordered
    obstructed          boolean     not null default false, -- somebody else's session took its place

    promoted_at         timestamptz,
    session_id          uuid,
    used_at             timestamptz,
    over_at             timestamptz,          -- COMPLETED, CANCELLED, EXPIRED
    reason              text,                 -- of its end
    currency            text,
    fee                 numeric,              -- excluding VAT; NULL: none is due
    fee_incl_vat        numeric,              -- NULL: the tariff names no VAT
    costs               jsonb,                -- OCPI CDR costs, whole
    created_at          timestamptz not null,
    updated_at          timestamptz not null,
    version             int         not null default 1,

    constraint reservation_pkey primary key (id),
    constraint reservation_order check (end_time > start_time),
    constraint reservation_place check (connector_id is not null or status in ('WAITLISTED', 'CANCELLED', 'EXPIRED')),
    constraint reservation_status check (status in
        ('PENDING', 'CONFIRMED', 'ACTIVE', 'COMPLETED', 'CANCELLED', 'EXPIRED', 'WAITLISTED')),
    -- never double-booked, whatever the statements think
    constraint reservation_conflict exclude using gist (connector_id with =, during with &&)
        where (status in ('PENDING', 'CONFIRMED', 'ACTIVE'))
);
create index reservation_held on reservations.reservation (connector_id, start_time)
    where status in ('PENDING', 'CONFIRMED', 'ACTIVE');
create index reservation_near on reservations.reservation (holds_from)
    where status in ('PENDING', 'CONFIRMED', 'WAITLISTED');
create index reservation_waiting on reservations.reservation (station_id, ocpp_reservation_id)
    where status = 'WAITLISTED';
create index reservation_open on reservations.reservation (customer_id)
    where customer_id is not null and status in ('WAITLISTED', 'PENDING', 'CONFIRMED', 'ACTIVE');
create index reservation_account on reservations.reservation (company_id)
    where company_id is not null and status in ('WAITLISTED', 'PENDING', 'CONFIRMED', 'ACTIVE');
create index reservation_session on reservations.reservation (session_id) where session_id is not null;
create index reservation_connector on reservations.reservation (connector_id, id);
create index reservation_station on reservations.reservation (station_id, id);
create index reservation_customer on reservations.reservation (customer_id, id) where customer_id is not null;
create index reservation_operator on reservations.reservation (operator_id, id);
create index reservation_company on reservations.reservation (company_id, id) where company_id is not null;
create index reservation_vehicle on reservations.reservation (vehicle_id, id) where vehicle_id is not null;


-- The life of a reservation. A move may send a confirmed one nowhere else.
create table reservations.transition (
    old_status text not null,
    new_status text not null,
    constraint transition_pkey primary key (old_status, new_status)
);
insert into reservations.transition (old_status, new_status)
values
    ('WAITLISTED', 'CONFIRMED'),
    ('WAITLISTED', 'CANCELLED'),
    ('WAITLISTED', 'EXPIRED'),
    ('PENDING', 'CONFIRMED'),
    ('PENDING', 'ACTIVE'),
    ('PENDING', 'CANCELLED'),
    ('PENDING', 'EXPIRED'),
    ('CONFIRMED', 'ACTIVE'),
    ('CONFIRMED', 'CANCELLED'),
    ('CONFIRMED', 'EXPIRED'),
    ('ACTIVE', 'COMPLETED');

create function reservations.reservation_moves() returns trigger
language plpgsql as $$
begin
    if not exists (
        select
        from reservations.transition t
        where t.old_status = old.status
            and t.new_status = new.status)
    then
        raise exception 'a reservation does not go to %', new.status
            using errcode = '23514', constraint = 'conflict';
    end if;
    return new;
end
$$;
create trigger reservation_moves before update of status on reservations.reservation
    for each row when (old.status is distinct from new.status)
    execute function reservations.reservation_moves();


-- expiry(…): when an unused reservation ends. One that was promoted late has
-- its whole grace before it.
create function reservations.expiry(start_time timestamptz, end_time timestamptz, grace interval, moment timestamptz)
returns timestamptz
language sql stable parallel safe
return least(greatest(start_time, moment) + grace, end_time);


-- hindrance(row, moment): why it cannot be used, so that not using it costs
-- nothing: somebody else's session, also one that began before it was held and
-- goes on behind its start; or a connector out of order then. NULL: nothing.
create function reservations.hindrance(r reservations.reservation, moment timestamptz) returns text
language plpgsql stable parallel safe as $$
begin
    if r.obstructed then
        return 'connector_taken';
    end if;
    return (
        select case
                when c.status in ('Charging', 'SuspendedEV', 'SuspendedEVSE', 'Finishing') then 'connector_taken'
                when c.status in ('Unavailable', 'Faulted') then 'connector_unavailable'
            end
        from reservations.connector c
        where c.connector_id = r.connector_id
            and r.start_time <= moment);
end
$$;


-- promote(connector, moment): gives what is free at a connector to those who
-- wait for it, the first that fits first; the caller holds the connector's
-- lock. One that another connector's freeing takes at this moment is passed
-- over. Rows are seen as the statement that calls it has left them.
create function reservations.promote(connector uuid, moment timestamptz)
returns setof reservations.reservation
language plpgsql as $$
declare
    place  reservations.connector;
    waiter reservations.reservation;
begin
    select * into place
    from reservations.connector c
    where c.connector_id = connector
        and c.removed_at is null;
    if not found then
        return;
    end if;
    for waiter in
        select *
        from reservations.reservation r
        where r.status = 'WAITLISTED'
            and r.station_id = place.station_id
            and (r.connector_id = connector
                or r.connector_id is null and coalesce(r.connector_type = place.connector_type, r.connector_type is null))
            and r.expires_at > moment
        order by r.ocpp_reservation_id
        for update skip locked
    loop
        continue when exists (
            select
            from reservations.reservation o
            where o.connector_id = connector
                and o.status in ('PENDING', 'CONFIRMED', 'ACTIVE')
                and o.during && waiter.during);
        update reservations.reservation r
        set status = 'CONFIRMED',
            connector_id = place.connector_id,
            charge_point_id = place.charge_point_id,
            connector_number = place.connector_number,
            tariff_version_id = (
                select v.id
                from reservations.tariff_at(place.connector_id, place.station_id, place.operator_id,
                    greatest(r.start_time, moment)) v (id)),
            expires_at = reservations.expiry(r.start_time, r.end_time, r.grace, moment),
            -- who did not know that it would come may say no for as long
            free_for = least(r.free_for, r.start_time - moment - r.grace),
            promoted_at = moment,
            updated_at = moment,
            version = r.version + 1
        where r.id = waiter.id
        returning * into waiter;
        return next waiter;
    end loop;
end
$$;


-- next_free(connector, wanted, but): when an interval as long as that one
-- could begin, at its start or later; a reservation (but) is in nobody's way.
create function reservations.next_free(connector uuid, wanted tstzrange, but uuid) returns timestamptz
language sql stable
begin atomic
    select min(t.at)
    from (
        select lower(wanted)
        union all
        select r.end_time
        from reservations.reservation r
        where r.connector_id = connector
            and r.status in ('PENDING', 'CONFIRMED', 'ACTIVE')
            and r.during && tstzrange(lower(wanted), null)
            and r.id is distinct from but) t (at)
    where not exists (
        select
        from reservations.reservation o
        where o.connector_id = connector
            and o.status in ('PENDING', 'CONFIRMED', 'ACTIVE')
            and o.during && tstzrange(t.at, t.at + (upper(wanted) - lower(wanted)))
            and o.id is distinct from but);
end;

-- conflict(connectors, wanted, but): what is in the way and what is free
-- next, at the one of them that is free first. Whose it is, is not told.
create function reservations.conflict(connectors uuid[], wanted tstzrange, but uuid) returns json
language sql stable
begin atomic
    select json_build_object(
        'conflict', json_build_object(
            'connectorId', f.connector_id,
            'startTime', vg.z(r.start_time),
            'endTime', vg.z(r.end_time)),
        'nextFree', json_build_object(
            'connectorId', f.connector_id,
            'startTime', vg.z(f.at),
            'endTime', vg.z(f.at + (upper(wanted) - lower(wanted)))))
    from (
        select k.connector_id, reservations.next_free(k.connector_id, wanted, but) as at
        from unnest(connectors) with ordinality k (connector_id, rank)
        order by 2, k.rank
        limit 1) f
    join lateral (
        select o.start_time, o.end_time
        from reservations.reservation o
        where o.connector_id = f.connector_id
            and o.status in ('PENDING', 'CONFIRMED', 'ACTIVE')
            and o.during && wanted
            and o.id is distinct from but
        order by o.start_time
        limit 1) r on true;
end;

-- invalid(…): what is wrong with an interval, by field; NULL when nothing is.
-- A client's clock may be a minute behind ours.
create function reservations.invalid(start_time timestamptz, end_time timestamptz, moment timestamptz,
    longest bigint, furthest bigint) returns json
language sql stable parallel safe
return nullif(json_strip_nulls(json_build_object(
    'startTime', case
        when start_time < moment - interval '1 minute' then 'must not be in the past'
        when start_time > moment + make_interval(secs => furthest) then 'is too far ahead'
    end,
    'endTime', case
        when end_time <= start_time then 'must be after startTime'
        when end_time - start_time > make_interval(secs => longest) then 'is too long after startTime'
    end))::text, '{}')::json;
