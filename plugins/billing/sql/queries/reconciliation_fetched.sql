-- in: provider, date, run, part, cursor
-- out: ok; what the provider said is written down, the next page is asked for
with read as materialized (
    select billing.export_heard(:provider, cast(:date as date), :run, :part::int, :cursor, :outcome -> 'body', :now) as job
), left_behind as (
    insert into vg.job (plugin, kind, key, payload, correlation_id)
    select :vgPlugin, 'reconciliation.fetch', :run || '/' || (r.job ->> 'part') || '/' || coalesce(r.job ->> 'cursor', ''),
        r.job, :correlationId
    from read r
    where r.job is not null
    on conflict do nothing
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
    from read
)
select * from answer;
