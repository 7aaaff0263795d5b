-- in: paymentId, amount
-- out: accepted, the payment
-- refuses: not_found, forbidden, payment_not_captured, refund_too_high, credit_short, amount_too_fine
-- In all never more than was captured: who refunds has the payer's row.
with found as materialized (
    select i.id, i.captured, i.to_refund,
        i.to_refund + coalesce(:amount, i.captured - i.to_refund) as refund,
        billing.payment_may(i.purpose, i.issuer, :callerRole, :callerCompany) as may
    from billing.intent i
    where i.id = :paymentId
        and vg.visible(:callerRole, :callerId, :callerCompany, i.customer_id, i.issuer, i.company_id)
), refusal as materialized (
    select case
            when f.id is null then 'not_found'
            when not f.may then 'forbidden'
            when f.captured = 0 then 'payment_not_captured'
            when f.refund > f.captured or f.refund <= f.to_refund then 'refund_too_high'
        end as name
    from (select) as one
    left join found f on true
), wished as materialized (
    select billing.intent_wish(f.id, null, null, f.refund, :now)
    from found f
    cross join refusal r
    where r.name is null
), pushed as (
    insert into vg.job (plugin, kind, key, payload, correlation_id)
    select :vgPlugin, 'payment.push', :paymentId::text, jsonb_build_object('intentId', :paymentId), :correlationId
    from wished w
    on conflict do nothing
), answer (status, body, events) as (
    select coalesce(r.name, 'accepted'),
        case when r.name is null then billing.intent_shown(:paymentId, (select count(*) from wished w)) end,
        null::jsonb
    from refusal r
)
select * from answer;
