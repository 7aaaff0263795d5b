-- in: providers (words of the setting)
-- out: ok; exports that are due are fetched
with begun as materialized (
    select billing.reconciliation_begin(d.provider, d.day, :now) as job
    from billing.reconciliation_due(:providers, :now) d
), left_behind as (
    insert into vg.job (plugin, kind, key, payload, correlation_id)
    select :vgPlugin, 'reconciliation.fetch', (b.job ->> 'run') || '/0/', b.job, :correlationId
    from begun b
    where b.job is not null
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
