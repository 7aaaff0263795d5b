-- in: paymentId, amount (NULL: all of it)
-- out: accepted, the payment
-- refuses: not_found, forbidden, conflict, unprocessable, payment_captured, amount_too_fine
-- The job that asks its provider is billing.payment_wish()'s: vg.job.
with wished as materialized (
    select billing.payment_wish(:paymentId, 'CAPTURED', :amount, :callerRole, :callerId, :callerCompany, :now, :correlationId) as refusal
), answer (status, body, events) as (
    select coalesce(w.refusal, 'accepted'),
        case when w.refusal is null then billing.intent_shown(:paymentId, 1) end,
        null::jsonb
    from wished w
)
select * from answer;
