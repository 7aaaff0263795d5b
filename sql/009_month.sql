-- Months of the log and of the trail: how their partitions are made. The owner
-- does so at each migration, since the gateway holds no DDL rights; what they
-- are dropped by is each one's own.

-- months_made(parent, moment, first, months): partitions of so many months, by
-- the column that is called moment. What came while nobody had made its month
-- lies in <parent>_rest, and moves into it: PostgreSQL would not make one beside
-- rows that it should have.
create function vg.months_made(parent text, moment text, first date, months int) returns void
language plpgsql as $$
declare
    month timestamp := pg_catalog.date_trunc('month', first::timestamp);
    part  text;
    spare text := parent || '_rest';
    begun timestamptz;
    ended timestamptz;
begin
    for i in 0 .. months - 1 loop
        begun := (month + i * interval '1 month') at time zone 'UTC';
        ended := (month + (i + 1) * interval '1 month') at time zone 'UTC';
        part := parent || pg_catalog.to_char(begun at time zone 'UTC', '_YYYY_MM');
        continue when pg_catalog.to_regclass('vg.' || part) is not null;
        execute pg_catalog.format('lock table vg.%I in access exclusive mode', spare);
        execute pg_catalog.format('create table vg.%I (like vg.%I including defaults)', part, parent);
        execute pg_catalog.format(
            'with late as (delete from vg.%I where %I >= %L and %I < %L returning *) insert into vg.%I select * from late',
            spare, moment, begun, moment, ended, part);
        execute pg_catalog.format('alter table vg.%I attach partition vg.%I for values from (%L) to (%L)', parent, part, begun, ended);
    end loop;
end
$$;

create function vg.event_months(first date, months int) returns void
language sql
begin atomic
    select vg.months_made('event', 'logged_at', first, months);
end;

create function vg.audit_months(first date, months int) returns void
language sql
begin atomic
    select vg.months_made('audit', 'at', first, months);
end;
revoke execute on function vg.months_made(text, text, date, int), vg.event_months(date, int), vg.audit_months(date, int)
    from public;
