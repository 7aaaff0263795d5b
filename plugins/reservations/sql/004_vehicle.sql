-- What accounts said last of vehicles: answered when it was asked, or told
-- since. It is what counts while accounts cannot be asked.
create table reservations.vehicle (
    vehicle_id  uuid not null,
    customer_id text,                     -- whose it is
    operator_id text,                     -- company whose customer that is
    company_id  text,                     -- fleet that it runs in
    version     int  not null,
    gone        bool not null default false,
    constraint vehicle_pkey primary key (vehicle_id)
);
create index vehicle_customer on reservations.vehicle (customer_id);


-- Who was erased, or is on the way: a driver's tokens may be another issuer's,
-- which nobody here can end.
create table reservations.erased (
    customer_id text not null,
    constraint erased_pkey primary key (customer_id)
);

create function reservations.is_erased(caller_id text, caller_role text) returns boolean
language plpgsql stable parallel safe as $$
begin
    return caller_role = 'driver' and exists (
        select
        from reservations.erased as e
        where e.customer_id = caller_id);
end
$$;

-- vehicle_note(…): said is what accounts says of it; null: there is none. What
-- is older than what is known says nothing, and nothing brings back what is
-- gone: ids are never used again. Most often nothing is new, and then no row is
-- locked.
create function reservations.vehicle_note(vehicle uuid, said jsonb) returns void
language plpgsql as $$
begin
    if said is null or jsonb_typeof(said) = 'null' then
        update reservations.vehicle as v
        set gone = true
        where v.vehicle_id = vehicle
            and not v.gone;
        return;
    end if;

    if exists (
        select
        from reservations.vehicle as v
        where v.vehicle_id = vehicle
            and (v.gone or v.version >= (said ->> 'version')::int)) then
        return;
    end if;

    insert into reservations.vehicle as v (vehicle_id, customer_id, operator_id, company_id, version)
    values (vehicle, said ->> 'customerId', said ->> 'operatorId', said ->> 'companyId', (said ->> 'version')::int)
    on conflict on constraint vehicle_pkey do update
    set customer_id = excluded.customer_id,
        operator_id = excluded.operator_id,
        company_id = excluded.company_id,
        version = excluded.version
    where v.version < excluded.version
        and not v.gone;
end
$$;

-- vehicle_known(…): whether there is one that the caller may name; of another's
-- it is not told that there is one. outcome is the answer to party.check; JSON
-- null: none could be had. What never was asked is then nobody's to say: 503,
-- which is raised, so that it is not kept under an Idempotency-Key.
create function reservations.vehicle_known(vehicle uuid, outcome jsonb,
    caller_id text, caller_role text, caller_company text) returns boolean
language plpgsql as $$
declare
    known reservations.vehicle;
begin
    if vehicle is null then
        return true;
    end if;

    if jsonb_typeof(outcome) = 'object' then
        perform reservations.vehicle_note(vehicle, outcome -> 'vehicle');
    end if;

    select v.*
    into known
    from reservations.vehicle as v
    where v.vehicle_id = vehicle;

    if known.vehicle_id is null and jsonb_typeof(outcome) is distinct from 'object' then
        raise exception 'vehicle % cannot be asked for', vehicle
            using errcode = 'check_violation', constraint = 'unavailable';
    end if;

    return coalesce(not known.gone and vg.visible(caller_role, caller_id, caller_company,
        known.customer_id, known.operator_id, known.company_id), false);
end
$$;
