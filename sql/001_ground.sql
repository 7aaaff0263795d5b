-- The kit's own schema. Plugins may call the functions here and insert into
-- outbox, answer, job and audit under their own name; nothing else.

create schema if not exists vg;
revoke all on schema vg from public;

-- One login for the gateway. It has no rights of its own: each unit of work
-- takes on the role of the plugin that it belongs to.
do $$
begin
    if not exists (select from pg_catalog.pg_roles where rolname = 'vg_gate') then
        create role vg_gate login noinherit;
    end if;
    if not exists (select from pg_catalog.pg_roles where rolname = 'vg_kit') then
        create role vg_kit nologin;
    end if;
    grant vg_kit to vg_gate;
    execute pg_catalog.format('grant connect on database %I to vg_gate', pg_catalog.current_database());
    execute pg_catalog.format('revoke temporary on database %I from public', pg_catalog.current_database());
end
$$;
grant usage on schema vg to vg_kit;
revoke create on schema public from public;


-- z(timestamptz): RFC 3339 in UTC with Z; fractions only where there are any.
-- stable, as to_json() is: declared immutable it would not be inlined, and its
-- body read anew at each call (measured: a third of the read rate). to_json()
-- writes ISO 8601 by itself, at a fifth of to_char()'s cost.
create function vg.z(t timestamptz) returns text
language sql stable parallel safe
return pg_catalog.btrim(pg_catalog.to_json(t at time zone 'UTC')::text, '"') || 'Z';

-- instant(text): a time inside of a document, as OCPP and OCPI write it;
-- without offset it is UTC; NULL when it is none.
create function vg.instant(written text) returns timestamptz
language plpgsql immutable as $$
begin
    if written !~* '^\d{4}-\d\d-\d\d[t ]\d\d:\d\d:\d\d' then
        return null;
    end if;
    if written !~* '(z|[+-]\d\d:?\d\d)$' then
        return (written || 'Z')::timestamptz;
    end if;
    return written::timestamptz;
exception
    when data_exception then
        return null;
end
$$;

-- uuid7(): RFC 9562 version 7: 48 bits of Unix milliseconds, the rest random.
create function vg.uuid7() returns uuid
language sql volatile parallel safe
return pg_catalog.encode(
    pg_catalog.set_bit(
        pg_catalog.set_bit(
            overlay(
                pg_catalog.uuid_send(pg_catalog.gen_random_uuid())
                placing substring(pg_catalog.int8send(
                    pg_catalog.floor(extract(epoch from pg_catalog.clock_timestamp()) * 1000)::bigint) from 3)
                from 1 for 6),
            52, 1),
        53, 1),
    'hex')::uuid;

-- cursor_id(text): a page's cursor as an id; NULL when it is none of ours, and
-- then the page is empty.
create function vg.cursor_id(cursor text) returns uuid
language sql immutable parallel safe
return case
    when cursor ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then cursor::uuid
end;

-- visible(…): whether an identity sees what is a customer's, of an operator,
-- on a company's account: the one copy of that rule. A NULL is nobody.
create function vg.visible(role text, caller text, company text,
    customer_id text, operator_id text, company_id text) returns boolean
language sql immutable parallel safe
return case role
    when 'admin' then true
    when 'driver' then caller <> '' and customer_id = caller
    when 'operator' then company <> '' and operator_id = company
    when 'fleet_manager' then company <> '' and company_id = company
    when 'partner' then company <> '' and (company_id = company or operator_id = company)
    else false
end;


-- again(): a change that answered `again` decided on what it could not see
-- yet. Its unit rolls back as a whole, and the gateway knows the code: it
-- runs the unit once more, with a snapshot of its own.
create function vg.again() returns text
language plpgsql as $$
begin
    raise exception 'the unit is to be run again'
        using errcode = 'VG001';
end
$$;


-- Which files were applied; written by `voltgate migrate` alone.
create table vg.migration (
    plugin     text        not null,    -- '' is the kit
    file       text        not null,
    checksum   text        not null,    -- SHA-256 of the file, hex
    applied_at timestamptz not null default pg_catalog.now(),
    constraint migration_pkey primary key (plugin, file)
);
grant select on vg.migration to vg_kit;


-- The outbox: filled by the tail of each change, in its commit; emptied by
-- the clerk into vg.event.
create table vg.outbox (
    id             bigint      generated always as identity,
    plugin         text        not null,
    event_id       uuid        not null default vg.uuid7(),
    type           text        not null,
    aggregate_id   text        not null,
    payload        jsonb       not null,
    correlation_id text        not null,
    traceparent    text,                -- W3C Trace Context
    actor_id       text        not null,
    at             timestamptz not null default pg_catalog.now(),
    constraint outbox_pkey primary key (id)
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500);
alter table vg.outbox enable row level security;
create policy kit_moves on vg.outbox to vg_kit using (true);
create policy own_name on vg.outbox for insert
    with check (plugin = pg_catalog.substr(current_user, 4));
grant select, insert, delete on vg.outbox to vg_kit;


-- The log is the archive. pos has no holes that matter: one mover at a time,
-- whose clock never goes back (vg.log), so logged_at is in pos' order: who has
-- read up to one event need not look into older partitions.
create table vg.event (
    pos            bigint      generated always as identity,
    logged_at      timestamptz not null default pg_catalog.now(),
    event_id       uuid        not null,
    type           text        not null,
    source         text        not null,
    aggregate_id   text        not null,
    payload        jsonb       not null,
    correlation_id text        not null,
    traceparent    text,
    actor_id       text        not null,
    at             timestamptz not null,
    constraint event_pkey primary key (pos, logged_at)
) partition by range (logged_at);
create table vg.event_rest partition of vg.event default;
grant select, insert on vg.event to vg_kit;

-- The mover's clock.
create table vg.log (
    one       boolean     not null default true,
    logged_at timestamptz not null,
    constraint log_pkey primary key (one),
    constraint log_one check (one)
) with (fillfactor = 50);
insert into vg.log (logged_at)
values (pg_catalog.now());
grant select, update on vg.log to vg_kit;


-- event_place(moment, after): the first position that came into the log at that
-- moment or later (after: later); behind the last if there is none. Positions
-- and logged_at rise together, so halves are looked at, not rows.
create function vg.event_place(moment timestamptz, after boolean) returns bigint
language plpgsql stable as $$
declare
    low    bigint := coalesce((select pg_catalog.min(e.pos) from vg.event as e), 1);
    high   bigint := coalesce((select pg_catalog.max(e.pos) from vg.event as e), 0) + 1;
    middle bigint;
    seen   timestamptz;
begin
    while low < high loop
        middle := low + (high - low) / 2;
        seen := (select e.logged_at from vg.event as e where e.pos >= middle order by e.pos limit 1);
        if seen > moment or (seen = moment and not after) then
            high := middle;
        else
            low := middle + 1;
        end if;
    end loop;
    return low;
end
$$;

-- event_retire(before, reached): drops the log's months that ended before then,
-- oldest first, as long as each consumer has reached their end; how many. The
-- gateway may ask for this, and for nothing else that drops. Who reads or moves
-- waits while a month goes, and it for them: so that is soon given up.
create function vg.event_retire(before timestamptz, reached bigint) returns int
language plpgsql security definer
set search_path = '' set lock_timeout = '100ms' as $$
declare
    part regclass;
    last bigint;
    gone int := 0;
begin
    if before > pg_catalog.now() - interval '1 day' then
        raise exception 'events of the last day are not retired';
    end if;
    if not pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('vg.event_retire', 0)) then
        return 0;
    end if;
    for part in
        select c.oid
        from pg_catalog.pg_inherits as i
        join pg_catalog.pg_class as c on c.oid = i.inhrelid
        where i.inhparent = 'vg.event'::regclass
            and c.relname ~ '^event_[0-9]{4}_[0-9]{2}$'
            and pg_catalog.to_date(pg_catalog.right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= before
        order by c.relname
    loop
        execute pg_catalog.format('select max(e.pos) from %s as e', part) into last;
        exit when last > reached;
        execute pg_catalog.format('drop table %s', part);
        gone := gone + 1;
    end loop;
    return gone;
end
$$;
revoke execute on function vg.event_retire(timestamptz, bigint) from public;
grant execute on function vg.event_retire(timestamptz, bigint) to vg_kit;


-- Where each consumer of this database stands in a log: its own, or that of
-- another database, by the name that the conf gives it.
create table vg.cursor (
    consumer   text        not null,
    log        text        not null default 'home',
    pos        bigint      not null default 0,
    paused     boolean     not null default false,
    moved_at   timestamptz not null default pg_catalog.now(),
    constraint cursor_pkey primary key (consumer, log)
) with (fillfactor = 50);
grant select, insert, update on vg.cursor to vg_kit;

-- cursor_move(consumer, log, old, new): compare and set; raises when somebody
-- else moved it, or it rests, by itself or for a replay, so that the whole unit
-- (effects and position) rolls back.
create function vg.cursor_move(consumer_name text, log_name text, old_pos bigint, new_pos bigint) returns void
language plpgsql as $$
begin
    -- first the row, then a look with a snapshot of its own: a replay that
    -- began meanwhile held it
    perform from vg.cursor where consumer = consumer_name and log = log_name for update;
    update vg.cursor
    set pos = new_pos, moved_at = pg_catalog.now()
    where consumer = consumer_name and log = log_name and pos = old_pos and not paused
        and not exists (
            select
            from vg.replay as r
            where r.consumer = consumer_name and r.log = log_name and r.done_at is null);
    if not found then
        raise exception 'cursor of % in % is not at %', consumer_name, log_name, old_pos
            using errcode = '40001';
    end if;
end
$$;

-- A second cursor over what a consumer has passed already: it hears events of
-- these types again, in order. Its own cursor rests meanwhile.
create table vg.replay (
    id         uuid        not null default vg.uuid7(),
    consumer   text        not null,
    log        text        not null,
    pos        bigint      not null,            -- handled up to here
    until_pos  bigint      not null,
    types      text[],                          -- NULL: all that it takes
    asked_by   text        not null,
    asked_at   timestamptz not null default pg_catalog.now(),
    done_at    timestamptz,
    constraint replay_pkey primary key (id)
);
create unique index replay_running on vg.replay (consumer, log) where done_at is null;
grant select, insert, update on vg.replay to vg_kit;

-- replay_move(id, old, new): as cursor_move(); over when it is at its end.
create function vg.replay_move(replay_id uuid, old_pos bigint, new_pos bigint) returns void
language plpgsql as $$
begin
    update vg.replay
    set pos = new_pos,
        done_at = case when new_pos >= until_pos then pg_catalog.now() end
    where id = replay_id and pos = old_pos and done_at is null
        and not exists (
            select
            from vg.cursor as c
            where c.consumer = vg.replay.consumer and c.log = vg.replay.log and c.paused);
    if not found then
        raise exception 'replay % is not at %', replay_id, old_pos
            using errcode = '40001';
    end if;
end
$$;

-- Events that a consumer could not handle: parked while they are tried
-- again, dead when the tries are used up. Whole, since the log may be in
-- another database, and its month gone.
create table vg.parked (
    id             uuid        not null default vg.uuid7(),
    consumer       text        not null,
    log            text        not null,
    pos            bigint      not null,
    event_id       uuid        not null,
    type           text        not null,
    source         text        not null,
    aggregate_id   text        not null,
    payload        jsonb       not null,
    correlation_id text        not null,
    traceparent    text,
    actor_id       text        not null,
    at             timestamptz not null,
    tries          int         not null default 1,
    next_at        timestamptz not null,
    dead_at        timestamptz,
    error          text        not null,
    constraint parked_pkey primary key (id),
    constraint parked_place unique (consumer, log, pos)
);
create index parked_due on vg.parked (consumer, log, pos) where dead_at is null;
create index parked_aggregate on vg.parked (consumer, log, aggregate_id, pos) where dead_at is null;
create index parked_dead on vg.parked (id) where dead_at is not null;
create index parked_dead_of on vg.parked (consumer, log) where dead_at is not null;
grant select, insert, update, delete on vg.parked to vg_kit;

-- parked_over(id): it was handled; raises when another runner was first.
create function vg.parked_over(parked_id uuid) returns void
language plpgsql as $$
begin
    delete from vg.parked
    where id = parked_id and dead_at is null;
    if not found then
        raise exception 'event % is not parked', parked_id
            using errcode = '40001';
    end if;
end
$$;


-- Timers: the row gates the effect, in the same commit.
create table vg.timer (
    name    text        not null,
    next_at timestamptz not null,
    constraint timer_pkey primary key (name)
);
grant select, insert, update on vg.timer to vg_kit;

-- timer_take(name, period): true once a period, for one caller in the house.
create function vg.timer_take(timer_name text, period interval) returns void
language plpgsql as $$
begin
    insert into vg.timer (name, next_at)
    values (timer_name, pg_catalog.now() + period)
    on conflict (name) do update
    set next_at = excluded.next_at
    where vg.timer.next_at <= pg_catalog.now();
    if not found then
        raise exception 'timer % is not due', timer_name using errcode = '40001';
    end if;
end
$$;


-- Stored answers of calls with an Idempotency-Key: written in the commit of
-- the change, replayed byte for byte. The primary key is the arbiter.
create table vg.answer (
    caller         text        not null,
    route          text        not null,
    key            text        not null,
    hash           text        not null,    -- SHA-256 of the body; saga: of a saga's step
    plugin         text        not null,
    status         text        not null,    -- ok, created … or an error's name
    body           text,
    correlation_id text        not null,
    at             timestamptz not null default pg_catalog.now(),
    constraint vg_answer_key primary key (caller, route, key)
);
create index answer_age on vg.answer (at) where hash <> 'saga';
create index answer_saga_age on vg.answer (at) where hash = 'saga'; -- those of sagas, which are kept longer
alter table vg.answer enable row level security;
create policy kit_reads on vg.answer to vg_kit using (true);
create policy own_name on vg.answer for insert
    with check (plugin = pg_catalog.substr(current_user, 4));
grant select, insert, delete on vg.answer to vg_kit;


-- The gateways over this database, by voltgate_node: each says every 5 s that
-- it is there. The database's clock alone decides who was not seen.
create table vg.node (
    name       text        not null,
    started_at timestamptz not null,    -- by the node's clock
    seen_at    timestamptz not null,
    constraint node_pkey primary key (name)
) with (fillfactor = 50);
grant select, insert, update, delete on vg.node to vg_kit;

-- node_alive(name): seen within 15 s. plpgsql keeps its plan; a function of
-- SQL that runs with its owner's rights is planned at each call.
create function vg.node_alive(node_name text) returns boolean
language plpgsql stable parallel safe security definer
set search_path = '' as $$
begin
    return exists (
        select
        from vg.node as n
        where n.name = node_name
            and n.seen_at > pg_catalog.now() - interval '15 seconds');
end
$$;

-- node_channel(name): what a node listens to. A digest, since a channel's
-- name has 63 bytes and a node's may have more, and any signs.
create function vg.node_channel(node_name text) returns text
language sql stable parallel safe
return 'vg_' || pg_catalog.substr(pg_catalog.encode(
    pg_catalog.sha256(pg_catalog.convert_to(node_name, 'UTF8')), 'hex'), 1, 32);

-- What one node asks of another, at most once: taken_at is durable before it
-- is done. Rows go when the asker has heard, or a minute after the deadline.
create table vg.call (
    id           bigint      generated always as identity,
    node         text        not null,      -- who is asked
    from_node    text        not null,
    asker_pid    int         not null,      -- the worker that waits; 0: nobody does
    asker_number bigint      not null,      -- of the question, in that worker
    kind         text        not null,
    bytes        text        not null,      -- JSON
    deadline     timestamptz not null,
    taken_at     timestamptz,
    answer       text,                      -- JSON
    answered_at  timestamptz,
    constraint call_pkey primary key (id),
    constraint call_kind check (kind in ('call', 'close'))
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500);
create index call_asked on vg.call (node, id) where taken_at is null;
create index call_answered on vg.call (from_node) where answered_at is not null;
grant select, insert, update, delete on vg.call to vg_kit;


-- plugin_ground(name): role, schema and rights of one plugin; called by the
-- CLI before the plugin's own files.
create function vg.plugin_ground(name text) returns void
language plpgsql as $$
declare
    role_name text := 'vg_' || name;
begin
    if name !~ '^[a-z][a-z_]{1,30}$' then
        raise exception 'not a plugin name: %', name;
    end if;
    -- roles and schemas of others; the gateway refuses the same (core/registry.c)
    if name in ('kit', 'gate', 'auditor', 'relay', 'vg', 'voltgate', 'public', 'information_schema') or name ~ '^pg_' then
        raise exception 'taken, so no plugin name: %', name;
    end if;
    -- roles are the cluster's: another of its databases may be making the same one just now, and is waited for
    for i in 1 .. 3 loop
        begin
            if not exists (select from pg_catalog.pg_roles where rolname = role_name) then
                execute pg_catalog.format('create role %I nologin', role_name);
            end if;
            execute pg_catalog.format('grant %I to vg_gate', role_name);
            exit;
        exception when unique_violation or duplicate_object then
            if i = 3 then
                raise;
            end if;
        end;
    end loop;
    execute pg_catalog.format('create schema if not exists %I', name);
    execute pg_catalog.format('revoke all on schema %I from public', name);
    execute pg_catalog.format('grant usage on schema %I to %I', name, role_name);
    execute pg_catalog.format('alter default privileges in schema %I grant select, insert, update, delete on tables to %I', name, role_name);
    execute pg_catalog.format('alter default privileges in schema %I grant usage on sequences to %I', name, role_name);
    execute pg_catalog.format('alter default privileges in schema %I grant execute on functions to %I', name, role_name);
    execute pg_catalog.format('grant usage on schema vg to %I', role_name);
    execute pg_catalog.format('grant insert on vg.outbox, vg.answer to %I', role_name);
    execute pg_catalog.format('grant insert (caller_id, caller_role, company_id, route, object, status, correlation_id, address, node, plugin) on vg.audit to %I', role_name);
    execute pg_catalog.format('grant insert (id, plugin, kind, key, payload, correlation_id, traceparent, actor_id, next_at) on vg.job to %I', role_name);
end
$$;
revoke execute on function vg.plugin_ground(text) from public;
