-- in: subscriptionId
-- out: ok; what crediting the invoice tells
-- Who is being asked to pay it is asked no more, and what was paid is given back.
with given as materialized (
    select billing.invoice_withdrawn((s.state ->> 'invoiceId')::uuid, :now, :correlationId) as told
    from billing.subscription s
    where s.id = :subscriptionId
), pushed as (
    insert into vg.job (plugin, kind, key, payload, correlation_id)
    select :vgPlugin, 'payment.push', i.id::text, jsonb_build_object('intentId', i.id), :correlationId
    from given g
    join billing.subscription s on s.id = :subscriptionId
    join billing.intent i on i.subject = (s.state ->> 'invoiceId')::uuid
    on conflict do nothing
), answer (status, body, events) as (
    select 'ok', null::json, (select nullif(g.told, '[]') from given g)
)
select * from answer;
