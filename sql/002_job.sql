-- Jobs: what a change leaves to be done later, because it calls the outside.
-- A plugin may write them under its own name, and nothing else; the kit takes
-- them, and the change that a job ends in takes it away in its own commit.

create table vg.job (
    id             uuid        not null default vg.uuid7(),
    plugin         text        not null,
    kind           text        not null,    -- the path of its VG_JOB row
    key            text,                    -- one alone at a time; NULL: any number
    payload        jsonb       not null,
    correlation_id text        not null,
    traceparent    text,                    -- W3C Trace Context
    actor_id       text        not null default '',
    at             timestamptz not null default pg_catalog.now(),
    next_at        timestamptz not null default pg_catalog.now(),   -- not before; taken: when the lease ends
    tries          int         not null default 0,  -- begun, with those whose end nobody saw
    lease          uuid,                    -- of who took it last
    taker          uuid,                    -- ... and which process that was
    error          text,                    -- of the last try
    dead_at        timestamptz,
    constraint job_pkey primary key (id),
    constraint job_size check (pg_catalog.octet_length(payload::text) <= 65536)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500);
create index job_due on vg.job (plugin, kind, next_at, id) where dead_at is null;
create unique index job_once on vg.job (plugin, kind, key) where dead_at is null;
create index job_dead on vg.job (dead_at, id) where dead_at is not null;

alter table vg.job enable row level security;
create policy kit_works on vg.job to vg_kit using (true);
create policy own_name on vg.job for insert
    with check (plugin = pg_catalog.substr(current_user, 4));
grant select, insert, update, delete on vg.job to vg_kit;


-- job_done(id, lease): it is over. Raises when somebody else has it by now, so
-- that what it ended in rolls back.
create function vg.job_done(job_id uuid, job_lease uuid) returns void
language plpgsql as $$
begin
    delete from vg.job
    where id = job_id and lease = job_lease and dead_at is null;
    if not found then
        raise exception 'job % is another''s by now', job_id using errcode = '40001';
    end if;
end
$$;

-- job_failed(id, lease, error, dead, counts): tried again after 1 s, doubling
-- to 15 minutes, with jitter; or dead. What was not sent at all, so as to spare
-- the other side, was no try and comes again soon. Raises as job_done() does.
create function vg.job_failed(job_id uuid, job_lease uuid, why text, dead boolean, counts boolean) returns void
language plpgsql as $$
begin
    update vg.job
    set lease = null,
        error = why,
        tries = case when counts then tries else tries - 1 end,
        dead_at = case when dead then pg_catalog.now() end,
        next_at = pg_catalog.now() + (0.5 + pg_catalog.random() / 2) * case
            when counts then least(interval '15 minutes', interval '1 second' * pg_catalog.power(2, least(tries, 20) - 1))
            else interval '5 seconds'
        end
    where id = job_id and lease = job_lease and dead_at is null;
    if not found then
        raise exception 'job % is another''s by now', job_id using errcode = '40001';
    end if;
end
$$;
