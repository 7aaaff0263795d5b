-- Sagas: steps over several commits, each with its undo. A saga's state is a
-- row in the schema of the plugin whose change began it, made in that change's
-- own commit. These tables are partitions of vg.saga: so the kit takes, moves
-- and lists all of them by plain statements, and needs no right in a plugin's
-- schema; and that a row bears its plugin's name is the partition's bound.

create table vg.saga (
    plugin         text        not null,
    id             uuid        not null,
    name           text        not null,            -- plugin.verb
    status         text        not null default 'RUNNING',
    step           text        not null default '', -- at which it is; '': the first
    data           jsonb       not null,            -- what it began with, and each step's answer by its name
    error          text,                            -- why it is undone
    problem        text,                            -- what the last try met
    tries          int         not null default 0,  -- of this step, or of its undo
    next_at        timestamptz not null default pg_catalog.now() + interval '60 seconds', -- a lease, or when it is tried next
    node           text,                            -- who runs it; NULL: it rests
    pid            bigint,
    caller_id      text        not null,            -- who began it, and asks each step
    caller_role    text        not null,
    caller_company text        not null,
    correlation_id text        not null,
    traceparent    text,
    started_at     timestamptz not null default pg_catalog.now(),
    step_at        timestamptz not null default pg_catalog.now(),
    moved_at       timestamptz not null default pg_catalog.now(),
    version        int         not null default 1,  -- each move is fenced by it
    constraint saga_pkey primary key (id, plugin),
    constraint saga_status check (status in ('RUNNING', 'UNDOING', 'COMPLETED', 'UNDONE', 'STUCK')),
    constraint saga_data check (jsonb_typeof(data) = 'object')
) partition by list (plugin);
-- By nothing that a step's move changes, so that it touches no index: those
-- that are open are few, and read as a whole each second.
create index saga_open on vg.saga (id) where status in ('RUNNING', 'UNDOING', 'STUCK');
create index saga_over on vg.saga (moved_at) where status in ('COMPLETED', 'UNDONE');
grant select, update, delete on vg.saga to vg_kit;

-- saga_ground(plugin): the plugin's part, as <plugin>.saga; called once by the
-- plugin's own migration.
create function vg.saga_ground(name text) returns void
language plpgsql as $$
begin
    execute pg_catalog.format(
        'create table %I.saga partition of vg.saga (plugin default %L) for values in (%L)',
        name, name, name);
    execute pg_catalog.format(
        'alter table %I.saga set (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500)',
        name);
end
$$;
revoke execute on function vg.saga_ground(text) from public;

-- saga_claim(…): the key of a step, taken for good: a step that comes later
-- meets it and is refused. One that is in flight is waited for; what is
-- answered is what stands there then: saga_undone, or the step's own answer.
-- plpgsql gives the second statement a snapshot from after that wait.
create function vg.saga_claim(caller_id text, route_label text, step_key text, plugin_name text, correlation text)
returns table (stored_status text, stored_body text)
language plpgsql as $$
begin
    insert into vg.answer (caller, route, key, hash, plugin, status, body, correlation_id)
    values (caller_id, route_label, step_key, 'saga', plugin_name, 'saga_undone', null, correlation)
    on conflict (caller, route, key) do nothing;
    return query
    select a.status, a.body
    from vg.answer as a
    where a.caller = caller_id
        and a.route = route_label
        and a.key = step_key;
end
$$;
revoke execute on function vg.saga_claim(text, text, text, text, text) from public;
grant execute on function vg.saga_claim(text, text, text, text, text) to vg_kit;
