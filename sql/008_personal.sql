-- What plugins need to forget people and what is old.

-- answers_forgotten(caller): stored answers of calls by somebody who is to be
-- forgotten, of the plugin that asks, in its database: they hold what was
-- answered, whole. How many.
create function vg.answers_forgotten(of_caller text) returns bigint
language plpgsql security definer
set search_path = '' as $$
declare
    gone bigint;
begin
    delete from vg.answer as a
    where a.caller = of_caller
        and a.plugin = pg_catalog.substr(pg_catalog.current_setting('role'), 4)
        and a.hash <> 'saga';
    get diagnostics gone = row_count;
    return gone;
end
$$;

-- uuid7_floor(moment): the first id of that millisecond: ids of version 7 are
-- in the order in which they were made, so the primary key finds what is old.
-- Before -infinity, which is for ever, there is none.
create function vg.uuid7_floor(moment timestamptz) returns uuid
language sql stable parallel safe
return case
    when moment = '-infinity' then '00000000-0000-0000-0000-000000000000'::uuid
    else (pg_catalog.lpad(pg_catalog.to_hex(
            pg_catalog.floor(extract(epoch from moment) * 1000)::bigint), 12, '0')
        || '70008000000000000000')::uuid
end;
