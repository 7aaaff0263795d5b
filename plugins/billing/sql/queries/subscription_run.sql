-- in: most, invoices, dunning
-- out: ok; whatever those turns tell
-- While more are due than these, a job goes on at once: it and its successor
-- have keys in turn, since a job is still there while it leaves the next.
with turn as materialized (
    select billing.subscription_run(:invoices, :dunning, :most, :now, :correlationId) as took
), onward as (
    insert into vg.job (plugin, kind, key, payload, correlation_id)
    select :vgPlugin, 'subscription.run', 'run/' || (1 - :lane), jsonb_build_object('lane', 1 - :lane), :correlationId
    from turn t
    where (t.took ->> 'more')::boolean
    on conflict do nothing
), answer (status, body, events) as (
    -- what begins or wakes a saga comes last; the kit looks for the word in this text
    select 'ok', null::json, (
        select jsonb_agg(e.value order by e.value ? 'saga')
        from turn t
        cross join jsonb_array_elements(coalesce(t.took -> 'events', '[]')) e)
)
select * from answer;
