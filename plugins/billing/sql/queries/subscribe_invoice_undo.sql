-- in: subscriptionId
-- out: ok; what crediting the invoice tells
-- Who is being asked to pay it is asked no more, and what was paid is given back.
-- The jobs that ask their providers are billing.intent_wished()'s: vg.job.
with given as materialized (
    select billing.invoice_withdrawn((s.state ->> 'invoiceId')::uuid, :now, :correlationId) as told
    from billing.subscription s
    where s.id = :subscriptionId
), answer (status, body, events) as (
    select 'ok', null::json, (select nullif(g.told, '[]') from given g)
)
select * from answer;
