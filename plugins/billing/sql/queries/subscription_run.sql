-- in: most, invoices, dunning
-- out: ok; whatever those turns tell
-- While more are due than these, a job goes on at once. It has no key: of all
-- that there are at a moment one has its batch, and leaves the next; the others
-- leave none. So one that died with its worker is not waited for.
with turn as materialized (
    select billing.subscription_run(:invoices, :dunning, :most, :now, :correlationId) as took
), onward as (
    insert into vg.job (plugin, kind, payload, correlation_id)
    select :vgPlugin, 'subscription.run', '{}', :correlationId
    from turn t
    where (t.took ->> 'more')::boolean
), answer (status, body, events) as (
    -- what begins or wakes a saga comes last; the kit looks for the word in this text
    select 'ok', null::json, (
        select jsonb_agg(e.value order by e.value ? 'saga')
        from turn t
        cross join jsonb_array_elements(coalesce(t.took -> 'events', '[]')) e)
)
select * from answer;
