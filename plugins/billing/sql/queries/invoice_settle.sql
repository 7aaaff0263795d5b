-- in: invoiceId, paymentDays
-- out: ok
-- A card that is asked leaves a row in vg.job: see billing.intent_open().
with settled as materialized (
    select billing.invoice_settle(:invoiceId, :paymentDays::int, :now, :correlationId) as told
), answer (status, body, events) as (
    select 'ok', null::json, s.told
    from settled s
)
select * from answer;
