-- in: customerId, after, most (rows of a page)
-- out: {rows: [{kind, row}], next}: what billing holds about a customer, a page of it
with held as (
    select 'invoice' as kind, j.id, (j.body::jsonb || jsonb_build_object('buyer', p.buyer))::json as body
    from billing.paper_json j
    left join billing.invoice_party p on p.invoice_id = j.id
    where j.customer_id = :customerId
    union all
    select 'creditNote', n.id, n.body
    from billing.credit_note_json n
    where n.customer_id = :customerId
    union all
    select 'hold', h.id, h.body
    from billing.hold_json h
    where h.customer_id = :customerId
    union all
    select 'payment', i.id, i.body
    from billing.intent_json i
    where i.customer_id = :customerId
    union all
    select 'paymentMethod', m.id, m.body
    from billing.method_json m
    where m.customer_id = :customerId
    union all
    select 'credit', '00000000-0000-0000-0000-000000000000', json_build_object(
        'payer', p.body,
        'balances', billing.credit_balances(p.customer_id))
    from billing.payer_json p
    where p.customer_id = :customerId
    union all
    select 'creditMovement', billing.credit_place(c.transfer_id, c.account_id), c.body
    from billing.credit_movement c
    join billing.payer_json p on p.id = c.payer
    where p.customer_id = :customerId
    union all
    select 'subscription', s.id, (s.body::jsonb || jsonb_build_object('history', billing.subscription_history(s.id)))::json
    from billing.subscription_json s
    where s.customer_id = :customerId
    union all
    select 'use', u.session_id, json_build_object(
        'sessionId', u.session_id,
        'month', u.month,
        'endedAt', vg.z(u.ended_at),
        'energyKwh', u.energy_kwh,
        'seconds', u.seconds)
    from billing.usage u
    where u.customer_id = :customerId
), page as (
    select h.kind, h.id, h.body
    from held h
    where :after is null or h.id > vg.cursor_id(:after)
    order by h.id
    limit :most
)
select json_build_object(
    'rows', coalesce((
        select json_agg(json_build_object('kind', g.kind, 'row', g.body) order by g.id)
        from page g), '[]'),
    'next', (
        select case when count(*) = :most then max(g.id::text) end
        from page g)) as body;
