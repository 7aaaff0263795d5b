-- The audit trail: who did what. Rows are only added: a change's by its own
-- statement, in its commit, under its plugin's name; refusals by the kit. Each
-- second those that are committed are sealed: counted, and hashed in a chain.

create table vg.audit (
    id             bigint      generated always as identity,
    xid            xid8        not null default pg_catalog.pg_current_xact_id(),
    at             timestamptz not null default pg_catalog.now(),
    caller_id      text        not null,            -- '': nobody that was known
    caller_role    text        not null,
    company_id     text        not null,            -- the caller's
    route          text        not null,            -- its pattern: a URI may hold a secret
    object         text,                            -- ids of the path, and of what was created
    status         int         not null,            -- HTTP's
    error          text,                            -- its name; NULL: it was done
    calls          int         not null default 1,  -- so many alike: of floods
    correlation_id text        not null,            -- of the first of them
    address        text        not null,            -- the caller's; '': of many
    node           text        not null,
    plugin         text        not null
) partition by range (at);
create table vg.audit_rest partition of vg.audit default;

-- in which order they are sealed; in which they are shown; whose they are
create index audit_order on vg.audit (xid, id);
create index audit_age on vg.audit (at, id);
create index audit_caller on vg.audit (caller_id, at);

alter table vg.audit enable row level security;
create policy kit_appends on vg.audit for insert to vg_kit with check (true);
create policy kit_reads on vg.audit for select to vg_kit using (true);
create policy own_name on vg.audit for insert
    with check (plugin = pg_catalog.substr(current_user, 4));
-- neither id nor xid: nobody says when it was
grant select, insert (at, caller_id, caller_role, company_id, route, object, status, error, calls, correlation_id,
    address, node, plugin) on vg.audit to vg_kit;


-- A seal is of all rows with floor_id < id and from_xid <= xid < to_xid, in the
-- order of (xid, id). When it was made no transaction below to_xid was open, so
-- none that was counted can be missing and none can come later, in whatever
-- order ids were drawn and commits came. The text that is hashed is in
-- nginx-modules/audit/README.md.
create table vg.audit_seal (
    number    bigint      not null,         -- from 1, without gaps
    floor_id  bigint      not null,         -- rises when xids begin anew: after a restore
    from_xid  xid8        not null,
    to_xid    xid8        not null,
    last_id   bigint      not null,         -- the greatest so far
    rows      int         not null,
    first_at  timestamptz not null,         -- of its rows
    last_at   timestamptz not null,
    sealed_at timestamptz not null,
    digest    bytea       not null,         -- SHA-256 over the rows' own
    hash      bytea       not null,         -- SHA-256 over all that stands before, and over the seal before
    leaves    bytea       not null,         -- 16 bytes a row: id, and the first 8 of its SHA-256
    constraint audit_seal_pkey primary key (number)
);
alter table vg.audit_seal alter column leaves set storage external; -- chance does not compress
grant select on vg.audit_seal to vg_kit;

-- Who may look without being able to do anything else; grant it to a login.
do $$
begin
    if not exists (select from pg_catalog.pg_roles where rolname = 'vg_auditor') then
        create role vg_auditor nologin;
    end if;
end
$$;
grant usage on schema vg to vg_auditor;
grant select on vg.audit, vg.audit_seal to vg_auditor;
create policy auditor_reads on vg.audit for select to vg_auditor using (true);


-- audit_part(text): a value in what is hashed: its length in bytes, a colon,
-- itself; NULL is a hyphen. So no two lists of values look alike. stable, as
-- all here, so that they are inlined.
create function vg.audit_part(value text) returns text
language sql stable parallel safe
return coalesce(pg_catalog.octet_length(value) || ':' || value, '-');

-- audit_us(timestamptz): microseconds since 1970, as a part
create function vg.audit_us(moment timestamptz) returns text
language sql stable parallel safe
return vg.audit_part((extract(epoch from moment) * 1000000)::bigint::text);

-- audit_text(audit): what is hashed of a row
create function vg.audit_text(a vg.audit) returns text
language sql stable parallel safe
return vg.audit_part(a.id::text) || vg.audit_part(a.xid::text) || vg.audit_us(a.at)
    || vg.audit_part(a.caller_id) || vg.audit_part(a.caller_role) || vg.audit_part(a.company_id)
    || vg.audit_part(a.route) || vg.audit_part(a.object) || vg.audit_part(a.status::text)
    || vg.audit_part(a.error) || vg.audit_part(a.calls::text) || vg.audit_part(a.correlation_id)
    || vg.audit_part(a.address) || vg.audit_part(a.node) || vg.audit_part(a.plugin);

-- audit_chain(seal, before): what is hashed of a seal; before: the hash of the
-- one before
create function vg.audit_chain(s vg.audit_seal, before bytea) returns text
language sql stable parallel safe
return vg.audit_part(s.number::text) || vg.audit_part(s.floor_id::text) || vg.audit_part(s.from_xid::text)
    || vg.audit_part(s.to_xid::text) || vg.audit_part(s.last_id::text) || vg.audit_part(s.rows::text)
    || vg.audit_us(s.first_at) || vg.audit_us(s.last_at) || vg.audit_us(s.sealed_at)
    || vg.audit_part(pg_catalog.encode(s.digest, 'hex')) || vg.audit_part(pg_catalog.encode(before, 'hex'));


-- audit_last(): the newest seal; before the first one what that follows
create function vg.audit_last() returns vg.audit_seal
language plpgsql stable
set search_path = '' as $$
declare
    last vg.audit_seal;
begin
    select s.* into last
    from vg.audit_seal as s
    order by s.number desc
    limit 1;
    if not found then
        last.number := 0;
        last.floor_id := 0;
        last.to_xid := '0';
        last.last_id := 0;
        last.hash := pg_catalog.decode(pg_catalog.repeat('00', 32), 'hex');
    end if;
    return last;
end
$$;

-- audit_seal_next(most): seals what is committed and not sealed yet, up to
-- about so many rows: how many it were (NULL: somebody else is at it), and for
-- how many ms the oldest that is left has waited. The owner's rights: who runs
-- the gateway can have rows sealed, and nothing else.
create function vg.audit_seal_next(most int, out sealed int, out behind bigint)
language plpgsql security definer
set search_path = '' as $$
declare
    last    vg.audit_seal;
    made    vg.audit_seal;
    open_at pg_snapshot;
    cut     xid8;
begin
    if not pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('vg.audit', 0)) then
        return;
    end if;
    open_at := pg_catalog.pg_current_snapshot(); -- one of before the lock may be older than the newest seal
    last := vg.audit_last();
    made.number := last.number + 1;
    made.floor_id := last.floor_id;
    made.from_xid := last.to_xid;
    made.to_xid := pg_catalog.pg_snapshot_xmin(open_at);
    if last.to_xid > pg_catalog.pg_snapshot_xmax(open_at) then
        -- Another cluster, whose transactions are numbered anew. First what
        -- came along without a seal, then all that is new: its ids are above.
        made.to_xid := '18446744073709551615';
        if not exists (select from vg.audit as a where a.xid >= last.to_xid and a.id > last.floor_id) then
            made.floor_id := last.last_id;
            made.from_xid := '0';
            made.to_xid := pg_catalog.pg_snapshot_xmin(open_at);
        end if;
    end if;

    select a.xid into cut
    from vg.audit as a
    where a.xid >= made.from_xid and a.xid < made.to_xid and a.id > made.floor_id
    order by a.xid, a.id
    offset most
    limit 1;
    if found then
        -- all of that transaction: behind it, for it may be all that there is
        made.to_xid := (cut::text::numeric + 1)::text::xid8;
    end if;

    made.sealed_at := pg_catalog.clock_timestamp();
    select pg_catalog.count(*), pg_catalog.max(r.id), pg_catalog.min(r.at), pg_catalog.max(r.at),
        pg_catalog.sha256(pg_catalog.string_agg(r.digest, '' order by r.xid, r.id)),
        pg_catalog.string_agg(pg_catalog.int8send(r.id) || pg_catalog.substr(r.digest, 1, 8), '' order by r.xid, r.id)
    into made.rows, made.last_id, made.first_at, made.last_at, made.digest, made.leaves
    from (
        select a.id, a.xid, a.at, pg_catalog.sha256(pg_catalog.convert_to(vg.audit_text(a), 'UTF8')) as digest
        from vg.audit as a
        where a.xid >= made.from_xid and a.xid < made.to_xid and a.id > made.floor_id
    ) as r;
    if made.rows > 0 then
        made.last_id := greatest(made.last_id, last.last_id);
        made.hash := pg_catalog.sha256(pg_catalog.convert_to(vg.audit_chain(made, last.hash), 'UTF8'));
        insert into vg.audit_seal
        select made.*;
        last := made;
    end if;
    sealed := made.rows;
    behind := coalesce((
        select (extract(epoch from pg_catalog.clock_timestamp() - a.at) * 1000)::bigint
        from vg.audit as a
        where a.xid >= last.to_xid and a.id > last.floor_id
        order by a.xid, a.id
        limit 1), 0);
end
$$;


-- audit_retire(before): a month that ended before then, the oldest, is dropped
-- if each row of it is sealed; the trail says so itself. When none is left
-- their seals go, some a call, but for the last: what follows is chained to
-- it. Called until it did nothing. Writers wait while a month goes, and it for
-- them: so that is last, and soon given up.
create function vg.audit_retire(before timestamptz, out months int, out seals int)
language plpgsql security definer
set search_path = '' set lock_timeout = '100ms' as $$
declare
    part  record;
    last  vg.audit_seal := vg.audit_last();
    begun timestamptz;
    ended timestamptz;
    open  boolean;
begin
    months := 0;
    seals := 0;
    if before > pg_catalog.now() - interval '31 days' then
        raise exception 'the trail of the last 31 days is not retired';
    end if;
    if not pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('vg.audit_retire', 0)) then
        return;
    end if;
    select c.oid::regclass as name, pg_catalog.replace(pg_catalog.right(c.relname, 7), '_', '-') as month into part
    from pg_catalog.pg_inherits as i
    join pg_catalog.pg_class as c on c.oid = i.inhrelid
    where i.inhparent = 'vg.audit'::regclass
        and c.relname ~ '^audit_[0-9]{4}_[0-9]{2}$'
    order by c.relname
    limit 1;
    if not found then
        return;
    end if;
    begun := (part.month || '-01')::timestamp at time zone 'UTC';
    ended := ((part.month || '-01')::timestamp + interval '1 month') at time zone 'UTC';
    if ended <= before then
        execute pg_catalog.format('select exists (select from %s as a where a.xid >= $1 and a.id > $2)', part.name)
        into open using last.to_xid, last.floor_id;
        if not open then
            months := 1;
            insert into vg.audit (caller_id, caller_role, company_id, route, object, status, correlation_id, address, node, plugin)
            values ('system', 'system', '', 'AUDIT retire', part.month, 200, '', '', '', 'voltgate');
            execute pg_catalog.format('drop table %s', part.name);
            return;
        end if;
    end if;
    -- what is older than the oldest month was dropped
    delete from vg.audit_seal as s
    where s.number < (
        select coalesce(
            pg_catalog.min(k.number) filter (where k.last_at >= begun),
            pg_catalog.max(k.number) + 1) - 1
        from (select o.number, o.last_at from vg.audit_seal as o order by o.number limit 20000) as k);
    get diagnostics seals = row_count;
end
$$;

revoke execute on function vg.audit_last(), vg.audit_seal_next(int), vg.audit_retire(timestamptz) from public;
grant execute on function vg.audit_seal_next(int), vg.audit_retire(timestamptz) to vg_kit;
