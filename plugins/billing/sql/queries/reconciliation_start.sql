-- in: provider, date (YYYY-MM-DD)
-- out: accepted; the provider's export of that day is fetched, once at a time
with begun as materialized (
    select billing.reconciliation_begin(:provider, cast(:date as date), :now) as job
), left_behind as (
    insert into vg.job (plugin, kind, key, payload, correlation_id)
    select :vgPlugin, 'reconciliation.fetch', (b.job ->> 'run') || '/0/', b.job, :correlationId
    from begun b
    where b.job is not null
), answer (status, body, events) as (
    select 'accepted', json_build_object('provider', :provider, 'date', :date, 'status', 'RUNNING'), null::jsonb
    from begun
)
select * from answer;
