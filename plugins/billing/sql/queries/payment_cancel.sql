-- in: paymentId
-- out: accepted, the payment
-- refuses: not_found, forbidden, payment_captured
-- What is held, or owed to others, its payer may not give up by itself; what a
-- hold keeps is let go by the hold.
with found as materialized (
    select i.id, i.status,
        i.purpose <> 'HOLD' and billing.payment_may(i.purpose, i.issuer, :callerRole, :callerCompany) as may
    from billing.intent i
    where i.id = :paymentId
        and vg.visible(:callerRole, :callerId, :callerCompany, i.customer_id, i.issuer, i.company_id)
), refusal as materialized (
    select case
            when f.id is null then 'not_found'
            when not f.may then 'forbidden'
            when f.status = 'CAPTURED' then 'payment_captured'
        end as name
    from (select) as one
    left join found f on true
), wished as materialized (
    select billing.intent_wish(f.id, 'CANCELLED', null, null, :now)
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
