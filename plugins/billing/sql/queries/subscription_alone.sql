-- in: subscriptionId, invoices, dunning
-- out: ok; whatever its turn tells
-- A card that is asked leaves a row in vg.job: see billing.intent_open().
with turn as materialized (
    select billing.subscription_alone(:subscriptionId, :invoices, :dunning, :now, :correlationId) as told
), answer (status, body, events) as (
    -- what begins or wakes a saga comes last; the kit looks for the word in this text
    select 'ok', null::json, (
        select jsonb_agg(e.value order by e.value ? 'saga')
        from turn t
        cross join jsonb_array_elements(t.told) e)
)
select * from answer;
