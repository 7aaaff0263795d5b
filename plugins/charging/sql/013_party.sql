-- What accounts said last of vehicles and customers: answered when it was asked,
-- or told since. It is what counts while accounts cannot be asked.
create table charging.party (
    kind        text not null,
    id          text not null,
    customer_id text,                     -- whose it is
    operator_id text,                     -- company whose customer that is
    company_id  text,                     -- fleet that it runs in
    version     int  not null,
    gone        bool not null default false,
    constraint party_pkey primary key (kind, id),
    constraint party_kind check (kind in ('customer', 'vehicle'))
);
create index party_customer on charging.party (customer_id);


-- party_note(…): said is what accounts says of it; null: there is none. What
-- is older than what is known says nothing, and nothing brings back what is
-- gone: ids are never used again. Most often nothing is new, and then no row is
-- locked.
create function charging.party_note(kind text, id text, said jsonb) returns void
language plpgsql as $$
begin
    if said is null or jsonb_typeof(said) = 'null' then
        update charging.party as p
        set gone = true
        where p.kind = party_note.kind
            and p.id = party_note.id
            and not p.gone;
        return;
    end if;

    if exists (
        select
        from charging.party as p
        where p.kind = party_note.kind
            and p.id = party_note.id
            and (p.gone or p.version >= (said ->> 'version')::int)) then
        return;
    end if;

    insert into charging.party as p (kind, id, customer_id, operator_id, company_id, version)
    values (party_note.kind, party_note.id, said ->> 'customerId', said ->> 'operatorId', said ->> 'companyId',
        (said ->> 'version')::int)
    on conflict on constraint party_pkey do update
    set customer_id = excluded.customer_id,
        operator_id = excluded.operator_id,
        company_id = excluded.company_id,
        version = excluded.version
    where p.version < excluded.version
        and not p.gone;
end
$$;

-- is_erased(caller): a driver who is gone, or on the way: its tokens may be
-- another issuer's, which nobody here can end.
create function charging.is_erased(caller_id text, caller_role text) returns boolean
language plpgsql stable parallel safe as $$
begin
    return caller_role = 'driver' and exists (
        select
        from charging.party as p
        where p.kind = 'customer'
            and p.id = caller_id
            and p.gone);
end
$$;

-- party_known(…): whether there is one that the caller may name; of another's
-- it is not told that there is one. outcome is the answer to party.check; JSON
-- null: none could be had. What never was asked is then nobody's to say: 503,
-- which is raised, so that it is not kept under an Idempotency-Key.
create function charging.party_known(kind text, id text, outcome jsonb,
    caller_id text, caller_role text, caller_company text) returns boolean
language plpgsql as $$
declare
    party charging.party;
begin
    if kind = 'customer' and caller_role = 'driver' and id = caller_id then
        return not charging.is_erased(caller_id, caller_role);
    end if;

    if id is null then
        return true;
    end if;

    if jsonb_typeof(outcome) = 'object' then
        perform charging.party_note(kind, id, outcome -> kind);
    end if;

    select p.*
    into party
    from charging.party as p
    where p.kind = party_known.kind
        and p.id = party_known.id;

    if party.id is null and jsonb_typeof(outcome) is distinct from 'object' then
        raise exception '% % cannot be asked for', kind, id
            using errcode = 'check_violation', constraint = 'unavailable';
    end if;

    return coalesce(not party.gone and vg.visible(caller_role, caller_id, caller_company,
        party.customer_id, party.operator_id, party.company_id), false);
end
$$;
