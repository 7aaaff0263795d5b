-- in: reservationId
-- out: ok
-- A reservation that was used is over: what is held for it, and its session has
-- not taken, is let go. (What that is on a card leaves a row in vg.job: see
-- billing.intent_push().)
with over as materialized (
    select billing.hold_over(:reservationId, false, :now, :correlationId)
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
    from over
)
select * from answer;
