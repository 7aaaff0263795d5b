-- in: invoiceId, days
-- out: ok
with settled as materialized (
    select billing.invoice_settle(:invoiceId, :days::int, :newId, :now, :correlationId) as told
), pushed as (
    insert into vg.job (plugin, kind, key, payload, correlation_id)
    select :vgPlugin, 'payment.push', :newId::text, jsonb_build_object('intentId', :newId), :correlationId
    from settled s
    where (s.told ->> 'pushed')::boolean
    on conflict do nothing
), answer (status, body, events) as (
    select 'ok', null::json, nullif(s.told -> 'events', 'null')
    from settled s
)
select * from answer;
