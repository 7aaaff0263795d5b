-- in: sessionId
-- out: ok; hold.changed.v1 of the reservation
-- What was held for a start that came to nothing goes back: to its reservation,
-- or to the payer. A card's part leaves a row in vg.job: see billing.intent_push().
with given as materialized (
    select billing.hold_back(:sessionId, :now, :correlationId) as event
), answer (status, body, events) as (
    select 'ok', null::json, case when g.event is not null then jsonb_build_array(g.event) end
    from given g
)
select * from answer;
