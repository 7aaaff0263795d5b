-- in: sessionId, invoice, part
-- out: ok; hold.changed.v1 where it was raised, or cannot be
-- A card's part leaves a row in vg.job: see billing.intent_push().
with raised as (
    select r as hold
    from billing.hold_raise(:sessionId, coalesce((:invoice ->> 'total')::numeric, 0), :part, :now, :correlationId) r
), answer (status, body, events) as (
    select 'ok',
        null::json,
        case when (r.hold).id is not null then jsonb_build_array(billing.hold_event(r.hold)) end
    from raised r
)
select * from answer;
