-- in: invoiceId, dunning
-- out: ok
-- What became of an invoice that a subscription waits for.
with found as materialized (
    select billing.subscription_judge(s, :dunning, :now, :correlationId) as told
    from billing.subscription s
    where s.invoice_id = :invoiceId
), answer (status, body, events) as (
    select 'ok', null::json, (select f.told from found f where f.told <> '[]')
)
select * from answer;
