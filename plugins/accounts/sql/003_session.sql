-- Sessions: families of refresh tokens. A token is "vgr_", 22 characters that
-- find its family, "." and 64 that prove it. One row is the whole family:
-- whatever finds it and is not its present token was used before.
create table accounts.session (
    id         uuid        not null,    -- sid of access tokens
    user_id    uuid        not null,
    handle     text        not null,    -- SHA-256 of the 22 characters, hex
    token      text        not null,    -- SHA-256 of the present token, hex
    seed       text        not null,    -- with that token it gives the next
    last_token text,                    -- the one before
    last_seed  text,
    rotated_at timestamptz not null,    -- also: the last access token's time
    scope      text,                    -- null: all of the role's
    place      text        not null,    -- from where it was begun
    client_id  uuid,                    -- the API key that it was given to; null: a public client
    created_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at   timestamptz,
    constraint session_pkey primary key (id),
    constraint session_handle unique (handle),
    constraint session_of_user foreign key (user_id) references accounts.users (id) on delete cascade
);
create index session_of on accounts.session (user_id);
create index session_expiry on accounts.session (expires_at);
create index session_ended on accounts.session (ended_at) where ended_at is not null;


-- Tokens that are void before they expire: those whose sub, sid or jti is id
-- and whose iat is before that moment. Forgotten when none can live any more.
create table accounts.revocation (
    id     text        not null,
    before timestamptz not null,
    until  timestamptz not null,
    constraint revocation_pkey primary key (id)
);
create index revocation_age on accounts.revocation (until);

-- revoked(id, before, until): writes it down; the event that tells of it.
create function accounts.revoked(of_id text, before_time timestamptz, until_time timestamptz) returns jsonb
language plpgsql as $$
begin
    insert into accounts.revocation as r (id, before, until)
    values (of_id, before_time, until_time)
    on conflict (id) do update
    set before = greatest(r.before, excluded.before),
        until = greatest(r.until, excluded.until);
    return pg_catalog.jsonb_build_object(
        'type', 'identity.revoked.v1',
        'aggregateId', of_id,
        'payload', pg_catalog.jsonb_build_object(
            'id', of_id,
            'before', vg.z(before_time),
            'until', vg.z(until_time)));
end
$$;

-- Clocks may differ by 30 s (auth), so a token may live so much longer.
create function accounts.forgotten_at(moment timestamptz, lifetime bigint) returns timestamptz
language sql stable parallel safe
return moment + pg_catalog.make_interval(secs => lifetime + 60);

-- sessions_ended(user, except, moment, lifetime): ends them; the events of
-- those that have an access token which may live. What is over is so for good,
-- so nothing of it counts, whenever it was issued.
create function accounts.sessions_ended(of_user uuid, but text, moment timestamptz, lifetime bigint) returns jsonb
language plpgsql as $$
declare
    one    uuid;
    events jsonb := '[]';
    until  timestamptz := accounts.forgotten_at(moment, lifetime);
begin
    for one in
        update accounts.session as s
        set ended_at = moment
        where s.user_id = of_user
            and s.ended_at is null
            and s.id::text is distinct from but
        returning case when s.rotated_at > moment - pg_catalog.make_interval(secs => lifetime + 60) then s.id end
    loop
        if one is not null then
            events := events || accounts.revoked(one::text, until, until);
        end if;
    end loop;
    return events;
end
$$;

-- keys_ended(maker, moment, lifetime): revokes the keys by which somebody would
-- go on as what it was, and those that were made by them; the events. A key that
-- acts for a company is the company's, whoever made it, unless it is an admin's.
create function accounts.keys_ended(of_maker text, moment timestamptz, lifetime bigint) returns jsonb
language plpgsql as $$
declare
    key    accounts.api_key;
    events jsonb := '[]';
    until  timestamptz := accounts.forgotten_at(moment, lifetime);
begin
    for key in
        with recursive made (id) as (
            select of_maker
            union
            select k.id::text
            from made as m
            join accounts.api_key as k on k.created_by = m.id
            where k.company_id is null
                or k.role = 'admin'
        )
        update accounts.api_key as k
        set revoked_at = moment,
            version = k.version + 1
        from made as m
        where k.id = vg.cursor_id(m.id)
            and k.revoked_at is null
        returning k.*
    loop
        events := events
            || pg_catalog.jsonb_build_object(
                'type', 'api_key.revoked.v1',
                'aggregateId', key.id,
                'payload', pg_catalog.jsonb_build_object('keyId', key.id, 'companyId', key.company_id))
            || accounts.revoked(key.id::text, until, until);
    end loop;
    return events;
end
$$;


-- place(address): from where somebody calls: an IPv4 address, or the network
-- that one household of IPv6 has.
create function accounts.place(address text) returns text
language sql stable parallel safe
return coalesce(case pg_catalog.family(address::inet)
    when 6 then pg_catalog.network(pg_catalog.set_masklen(address::inet, 64))::text
    else pg_catalog.host(address::inet)
end, 'nowhere');

-- Wrong passwords in a row, by account and place, and by account from
-- anywhere (place '').
create table accounts.guard (
    user_id      uuid        not null,  -- or nobody(), of an unknown one
    place        text        not null,
    failed       int         not null,
    failed_at    timestamptz not null,
    locked_until timestamptz,
    since        timestamptz not null,  -- of the minute that is counted
    in_minute    int         not null,
    constraint guard_pkey primary key (user_id, place)
);
create index guard_age on accounts.guard (failed_at);

-- guard_count(row, moment): how many in a row it is with one more: none is added
-- while it waits, and an hour without any begins anew.
create function accounts.guard_count(g accounts.guard, moment timestamptz) returns int
language sql stable parallel safe
return case
    when g.locked_until > moment then g.failed
    when g.failed_at < moment - interval '1 hour' then 1
    else g.failed + 1
end;

-- Where somebody got in within 90 days, to a day: sessions do not stay so long.
create table accounts.known_place (
    user_id uuid        not null,
    place   text        not null,
    at      timestamptz not null,   -- last
    constraint known_place_pkey primary key (user_id, place),
    constraint known_place_user foreign key (user_id) references accounts.users (id) on delete cascade
);
create index known_place_age on accounts.known_place (at);

-- guarded(user, place, moment): whether a password is not looked at now. Who
-- got in from here lately is not kept out by what others do elsewhere.
create function accounts.guarded(of_user uuid, at_place text, moment timestamptz) returns boolean
language plpgsql stable as $$
begin
    return exists (
        select
        from accounts.guard as g
        where g.user_id = of_user
            and g.locked_until > moment
            and (g.place = at_place
                or (g.place = '' and not exists (
                    select
                    from accounts.known_place as k
                    where k.user_id = of_user
                        and k.place = at_place
                        and k.at > moment - interval '90 days'))));
end
$$;

-- guard_failed(user, place, moment, most, most_anywhere): counts one more, and
-- lets the next wait: 1 s, doubling to 15 min. What comes while it waits is not
-- counted there, so nobody's wait is made longer by knocking; and a place counts
-- towards all of them together only up to its own limit. The event when a minute
-- has seen more than 5, else null.
create function accounts.guard_failed(
    of_user uuid, at_place text, moment timestamptz, most bigint, most_anywhere bigint) returns jsonb
language plpgsql as $$
declare
    seen accounts.guard;
    knocks boolean := exists (
        select
        from accounts.guard as g
        where g.user_id = of_user
            and g.place = at_place
            and g.locked_until > moment);
    -- so one place alone does not make all others wait, however patient it is
    spent boolean := exists (
        select
        from accounts.guard as g
        where g.user_id = of_user
            and g.place = at_place
            and g.failed >= most
            and g.failed_at >= moment - interval '1 hour');
begin
    insert into accounts.guard as g (user_id, place, failed, failed_at, since, in_minute, locked_until)
    select of_user, p.place, 1, moment, moment, 1, case when p.most <= 1 then moment + interval '1 second' end
    from (
        values
            (at_place, most),
            ('', most_anywhere)) as p (place, most)
    order by p.place
    on conflict (user_id, place) do update
    set failed = case when knocks or spent and g.place = '' then g.failed else accounts.guard_count(g, moment) end,
        failed_at = case when spent and g.place = '' then g.failed_at else moment end,
        locked_until = case
            when knocks or spent and g.place = '' or g.locked_until > moment then g.locked_until
            when accounts.guard_count(g, moment) >= case g.place when '' then most_anywhere else most end
                then moment + interval '1 second' * least(900, pg_catalog.power(2, least(30,
                    accounts.guard_count(g, moment) - case g.place when '' then most_anywhere else most end)))
        end,
        since = case when g.since > moment - interval '1 minute' then g.since else moment end,
        in_minute = case when g.since > moment - interval '1 minute' then g.in_minute + 1 else 1 end;

    select g.* into seen
    from accounts.guard as g
    where g.user_id = of_user
        and g.place = '';

    return case
        when seen.in_minute = 6 then pg_catalog.jsonb_build_object(
            'type', 'login.failures.v1',
            'aggregateId', of_user,
            'payload', pg_catalog.jsonb_build_object(
                'userId', of_user,
                'count', seen.in_minute,
                'since', vg.z(seen.since)))
    end;
end
$$;

-- nobody(key): whom a login by an unknown address is counted for.
create function accounts.nobody(key text) returns uuid
language sql immutable parallel safe
return pg_catalog.encode(pg_catalog.substr(pg_catalog.sha256(pg_catalog.convert_to(key, 'UTF8')), 1, 16), 'hex')::uuid;

-- guard_failed_nobody(…): an unknown address writes as much as a known one, so
-- that the clock does not tell which it is. There is nobody to tell of it.
create function accounts.guard_failed_nobody(
    key text, at_place text, moment timestamptz, most bigint, most_anywhere bigint) returns jsonb
language plpgsql as $$
begin
    perform accounts.guard_failed(accounts.nobody(key), at_place, moment, most, most_anywhere);
    return null;
end
$$;
