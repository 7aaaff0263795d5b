-- in: erasureId, customerId, round
-- out: ok; customer.erased.v1
-- Invoices and credit notes stand for as long as the law wants them, with the
-- customer's id; drafts of such go. A
-- payment method goes, but for one by which a payment is under way; so does a
-- hold, once its subject is over. (What that is on a card leaves a row in
-- vg.job: see billing.intent_push().) Its subscriptions end, and stay with their
-- invoices.
with hold as materialized (
    select e.gone, e.open
    from billing.hold_erase(:customerId, :now, :correlationId) e
), busy as materialized (
    select m.id
    from billing.method m
    where m.payer = :customerId
        and exists (
            select
            from billing.intent i
            where i.method_id = m.id
                and i.status in ('PENDING', 'AUTHORISED'))
), method as (
    delete from billing.method m
    where m.payer = :customerId
        and not exists (
            select
            from busy b
            where b.id = m.id)
    returning 1
), unused as (
    update billing.used u
    set customer_id = null
    where u.customer_id = :customerId
    returning 1
), draft as (
    delete from billing.draft d
    where d.customer_id = :customerId
    returning 1
), subscription as materialized (
    select e.ended, e.busy, e.kept, e.events
    from billing.subscriptions_erased(:customerId, :now, :correlationId) e
), kept as (
    select (
            select count(*)
            from billing.invoice i
            where i.customer_id = :customerId) as invoices,
        (
            select count(*)
            from billing.credit_note n
            where n.customer_id = :customerId) as notes,
        (
            select count(*)
            from billing.intent p
            where p.customer_id = :customerId) as payments
), answer (status, body, events) as (
    select 'ok', null::json, jsonb_build_array(jsonb_build_object(
        'type', 'customer.erased.v1',
        'aggregateId', :customerId,
        'payload', jsonb_build_object(
            'erasureId', :erasureId,
            'plugin', 'billing',
            'round', :round,
            'status', case when exists (select from busy) or h.open > 0 or s.busy > 0 then 'POSTPONED' else 'DONE' end,
            'erased', jsonb_build_array(
                jsonb_build_object('what', 'hold', 'rows', h.gone),
                jsonb_build_object('what', 'paymentMethod', 'rows', (select count(*) from method)),
                jsonb_build_object('what', 'use', 'rows', (select count(*) from unused)),
                jsonb_build_object('what', 'draft', 'rows', (select count(*) from draft)),
                jsonb_build_object('what', 'answer', 'rows', vg.answers_forgotten(:customerId))),
            'kept', jsonb_build_array(
                jsonb_build_object('what', 'invoice', 'rows', k.invoices),
                jsonb_build_object('what', 'creditNote', 'rows', k.notes),
                jsonb_build_object('what', 'payment', 'rows', k.payments),
                jsonb_build_object('what', 'subscription', 'rows', s.kept)),
            'open', case
                    when h.open > 0 then jsonb_build_array(jsonb_build_object('what', 'hold', 'rows', h.open))
                    else '[]'
                end
                || case
                    when exists (select from busy)
                    then jsonb_build_array(jsonb_build_object('what', 'payment', 'rows', (select count(*) from busy)))
                    else '[]'
                end
                || case
                    when s.busy > 0 then jsonb_build_array(jsonb_build_object('what', 'subscription', 'rows', s.busy))
                    else '[]'
                end))) || s.events
    from kept k
    cross join hold h
    cross join subscription s
)
select * from answer;
