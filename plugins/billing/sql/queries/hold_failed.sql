-- in: sessionId
-- out: ok
-- What was held for a start that came to nothing goes back: to its reservation,
-- or to the payer. A card's part leaves a row in vg.job: see billing.hold_wish().
with given as materialized (
    select billing.hold_back(:sessionId, :now, :correlationId)
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
    from given
)
select * from answer;
