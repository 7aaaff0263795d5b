-- in: providers (words of the setting)
-- out: ok; yesterday's exports are fetched, from 02:00 UTC on
with wanted as materialized (
    select p.provider,
        (:now at time zone 'UTC')::date - 1 as day
    from unnest(string_to_array(:providers, ' ')) p (provider)
    where p.provider in ('stripe', 'razorpay')
        and (:now at time zone 'UTC')::time >= '02:00'
        and not exists (
            select
            from billing.reconciliation r
            where r.provider = p.provider
                and r.day = (:now at time zone 'UTC')::date - 1)
), begun as materialized (
    select billing.reconciliation_begin(w.provider, w.day, :now) as job
    from wanted w
), left_behind as (
    insert into vg.job (plugin, kind, key, payload, correlation_id)
    select :vgPlugin, 'reconciliation.fetch', (b.job ->> 'run') || '/0/', b.job, :correlationId
    from begun b
    where b.job is not null
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
