-- Exports: all that is held about a customer, asked of each plugin page by
-- page, and kept as it came until it is fetched, for a week.
create table accounts.export (
    id           uuid        not null,
    customer_id  text        not null,
    company_id   text,
    asked_by     text        not null,
    status       text        not null default 'RUNNING',
    asked_at     timestamptz not null,
    completed_at timestamptz,
    constraint export_pkey primary key (id),
    constraint export_status check (status in ('RUNNING', 'COMPLETED'))
);
create index export_customer on accounts.export (customer_id, id);
-- one at a time
create unique index export_running on accounts.export (customer_id) where status = 'RUNNING';

create table accounts.export_plugin (
    export_id   uuid        not null,
    plugin      text        not null,
    status      text        not null default 'WAITING',
    rows        bigint      not null default 0,
    parts       int         not null default 0,
    bytes       bigint      not null default 0,
    away_since  timestamptz,                -- it cannot be asked
    answered_at timestamptz,
    constraint export_plugin_pkey primary key (export_id, plugin),
    constraint export_plugin_export foreign key (export_id) references accounts.export (id) on delete cascade,
    constraint export_plugin_status check (status in ('WAITING', 'DONE'))
);

create table accounts.export_part (
    export_id uuid  not null,
    plugin    text  not null,
    number    int   not null,               -- from 1
    data      jsonb not null,               -- [{"kind", "row"}]
    constraint export_part_pkey primary key (export_id, plugin, number),
    constraint export_part_plugin foreign key (export_id, plugin)
        references accounts.export_plugin (export_id, plugin) on delete cascade
);


-- export_data(parts): rows of each plugin, by kind.
create function accounts.export_data(of_export uuid, of_plugin text, of_number bigint) returns json
language plpgsql stable as $$
begin
    return (
        select coalesce(json_object_agg(g.plugin, g.kinds), '{}')
        from (
            select k.plugin, json_object_agg(k.kind, k.rows order by k.kind) as kinds
            from (
                select p.plugin, r.value ->> 'kind' as kind,
                    json_agg(r.value -> 'row' order by p.number, r.ordinality) as rows
                from accounts.export_part as p
                cross join jsonb_array_elements(p.data) with ordinality as r
                where p.export_id = of_export
                    and (of_plugin is null or p.plugin = of_plugin)
                    and (of_number is null or p.number = of_number)
                group by p.plugin, r.value ->> 'kind') as k
            group by k.plugin) as g);
end
$$;

-- export_body(export, plugin, number): with its data where that is one part, or
-- not longer than whole bytes. Volatile, since it also shows what was begun just
-- now.
create function accounts.export_body(e accounts.export, of_plugin text, of_number bigint, whole bigint) returns json
language plpgsql as $$
declare
    total bigint;
begin
    select coalesce(sum(p.bytes), 0)
    into total
    from accounts.export_plugin as p
    where p.export_id = e.id;

    return (
        select json_build_object(
            'id', e.id,
            'customerId', e.customer_id,
            'status', e.status,
            'requestedAt', vg.z(e.asked_at),
            'completedAt', vg.z(e.completed_at),
            'waitingFor', coalesce(json_agg(p.plugin order by p.plugin) filter (where p.status = 'WAITING'), '[]'),
            'plugins', coalesce(json_agg(json_build_object(
                'plugin', p.plugin,
                'status', p.status,
                'rows', p.rows,
                'parts', p.parts,
                'bytes', p.bytes,
                'awaySince', vg.z(p.away_since),
                'answeredAt', vg.z(p.answered_at)) order by p.plugin) filter (where p.plugin is not null), '[]'),
            'data', case
                when e.status = 'COMPLETED' and (of_plugin is not null or total <= whole)
                then accounts.export_data(e.id, of_plugin, of_number)
            end)
        from (select) as one
        left join accounts.export_plugin as p on p.export_id = e.id);
end
$$;

-- export_took(…): a page has come, or its plugin is away; the export is locked.
-- One that holds nothing, as turns out when it is back, is done. Whether another
-- is to be asked for.
create function accounts.export_took(
    of_id uuid, of_plugin text, of_number bigint, page jsonb, plugins jsonb,
    moment timestamptz) returns boolean
language plpgsql as $$
begin
    if not exists (
        select
        from accounts.export as e
        where e.id = of_id
            and e.status = 'RUNNING') then
        return false;
    end if;

    if page ->> 'away' is not null and not plugins ? of_plugin then
        page := '{"rows": []}';
    end if;

    if page ->> 'away' is not null then
        update accounts.export_plugin as p
        set away_since = coalesce(p.away_since, moment)
        where p.export_id = of_id
            and p.plugin = of_plugin;
        return true;
    end if;

    if jsonb_array_length(page -> 'rows') > 0 then
        insert into accounts.export_part (export_id, plugin, number, data)
        values (of_id, of_plugin, of_number, page -> 'rows')
        on conflict on constraint export_part_pkey do nothing;
    end if;
    update accounts.export_plugin as p
    set rows = p.rows + jsonb_array_length(page -> 'rows'),
        bytes = p.bytes + octet_length((page -> 'rows')::text),
        parts = p.parts + (jsonb_array_length(page -> 'rows') > 0)::int,
        away_since = null,
        status = case when page ->> 'next' is null then 'DONE' else p.status end,
        answered_at = moment
    where p.export_id = of_id
        and p.plugin = of_plugin;
    if page ->> 'next' is not null then
        return true;
    end if;

    update accounts.export as e
    set status = 'COMPLETED',
        completed_at = moment
    where e.id = of_id
        and not exists (
            select
            from accounts.export_plugin as p
            where p.export_id = of_id
                and p.status = 'WAITING');
    return false;
end
$$;
