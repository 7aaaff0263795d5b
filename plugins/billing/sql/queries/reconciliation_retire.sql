-- in: before, batch
-- out: ok, how many days are gone, with what providers said of them
with old as materialized (
    select r.provider, r.day
    from billing.reconciliation r
    where r.started_at < :before
    order by r.started_at
    limit :batch
), entries as (
    delete from billing.provider_entry e
    using old o
    where e.provider = o.provider
        and e.day = o.day
), gone as (
    delete from billing.reconciliation r
    using old o
    where r.provider = o.provider
        and r.day = o.day
    returning 1
), answer (status, body, events) as (
    select 'ok', to_json(count(*)), null::jsonb
    from gone
)
select * from answer;
