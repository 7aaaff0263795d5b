-- in: subject; what its plugin says, as :outcome
-- out: ok
-- What is not there any more has no use for its hold. (What that is on a card
-- leaves a row in vg.job: see billing.intent_push().)
with freed as materialized (
    select billing.hold_over(:subject, false, :now, :correlationId)
    where :outcome ->> 'goesOn' = 'false'
), answer (status, body, events) as (
    select 'ok', to_json(count(*)), null::jsonb
    from freed
)
select * from answer;
