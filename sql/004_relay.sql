-- Relays: what takes the log out to a broker. They are processes of their
-- own with a login of their own, which reads the log and moves its own place
-- in it; nothing else.

do $$
begin
    if not exists (select from pg_catalog.pg_roles where rolname = 'vg_relay') then
        create role vg_relay login noinherit;
    end if;
    execute pg_catalog.format('grant connect on database %I to vg_relay', pg_catalog.current_database());
end
$$;
grant usage on schema vg to vg_relay;
grant select on vg.event to vg_relay;


-- event_json(event): an event as others see it, the one copy of that shape.
-- version is the last word of the type; sequence is the place in the log.
create function vg.event_json(e vg.event) returns json
language sql stable parallel safe
return pg_catalog.json_build_object(
    'metadata', pg_catalog.json_strip_nulls(pg_catalog.json_build_object(
        'eventId', e.event_id,
        'timestamp', vg.z(e.at),
        'source', e.source,
        'correlationId', e.correlation_id,
        'traceparent', e.traceparent,
        'type', e.type,
        'version', pg_catalog.substring(e.type, '[^.]*$'),
        'aggregateId', e.aggregate_id,
        'sequence', e.pos,
        'actorId', e.actor_id)),
    'payload', e.payload);


-- What each relay did, since it was first switched on; and what it met last.
create table vg.relay (
    name       text        not null,            -- as in vg.cursor
    published  bigint      not null default 0,  -- handed to the broker
    confirmed  bigint      not null default 0,  -- which has them for good
    returned   bigint      not null default 0,  -- found no queue: sent again
    refused    bigint      not null default 0,  -- by the broker: sent again
    error      text,                            -- NULL: all is well
    since      timestamptz not null default pg_catalog.now(),
    said_at    timestamptz not null default pg_catalog.now(),
    constraint relay_pkey primary key (name),
    constraint relay_name check (name ~ '^relay:[a-z0-9_-]{1,40}$')
) with (fillfactor = 50);
grant select on vg.relay to vg_kit;

-- relay_open(name, log, from_end): its place, made at first: before the first
-- event that is kept, or behind the last. log is the name of this log.
create function vg.relay_open(relay_name text, log_name text, from_end boolean) returns bigint
language plpgsql security definer
set search_path = '' as $$
begin
    insert into vg.relay (name) values (relay_name) on conflict (name) do nothing;
    insert into vg.cursor (consumer, log, pos)
    select relay_name, log_name, case when from_end then coalesce(pg_catalog.max(e.pos), 0) else 0 end
    from vg.event as e
    on conflict (consumer, log) do nothing;
    return (select c.pos from vg.cursor as c where c.consumer = relay_name and c.log = log_name);
end
$$;

-- relay_place(name, log): where it stands, and whether it is to rest; an
-- operator may have moved it.
create function vg.relay_place(relay_name text, log_name text, out pos bigint, out paused boolean)
language plpgsql stable security definer
set search_path = '' as $$
begin
    select c.pos, c.paused into pos, paused
    from vg.cursor as c
    where c.consumer = relay_name and c.log = log_name and c.consumer like 'relay:%';
end
$$;

-- relay_move(name, log, old, new): compare and set; raises when somebody else
-- moved it. Also while it rests: what the broker has confirmed is confirmed.
create function vg.relay_move(relay_name text, log_name text, old_pos bigint, new_pos bigint) returns void
language plpgsql security definer
set search_path = '' as $$
begin
    update vg.cursor
    set pos = new_pos, moved_at = pg_catalog.now()
    where consumer = relay_name and log = log_name and pos = old_pos and consumer like 'relay:%';
    if not found then
        raise exception 'cursor of % in % is not at %', relay_name, log_name, old_pos
            using errcode = '40001';
    end if;
end
$$;

-- relay_says(…): what it did since it said so last.
create function vg.relay_says(relay_name text, more_published bigint, more_confirmed bigint,
    more_returned bigint, more_refused bigint, what text) returns void
language plpgsql security definer
set search_path = '' as $$
begin
    update vg.relay
    set published = published + more_published,
        confirmed = confirmed + more_confirmed,
        returned = returned + more_returned,
        refused = refused + more_refused,
        error = what,
        said_at = pg_catalog.now()
    where name = relay_name;
end
$$;

revoke execute on function
    vg.relay_open(text, text, boolean), vg.relay_place(text, text), vg.relay_move(text, text, bigint, bigint),
    vg.relay_says(text, bigint, bigint, bigint, bigint, text)
    from public;
grant execute on function
    vg.relay_open(text, text, boolean), vg.relay_place(text, text), vg.relay_move(text, text, bigint, bigint),
    vg.relay_says(text, bigint, bigint, bigint, bigint, text)
    to vg_relay;
