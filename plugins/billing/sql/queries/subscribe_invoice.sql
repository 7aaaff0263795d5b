-- in: subscriptionId, invoice
-- out: ok, {invoiceId}; invoice.created.v1
-- refuses: subscription_over
-- The first cycle begins, and its invoice is issued; settling it is invoices'.
with made as materialized (
    select billing.subscription_period(s.id, s.state, 'INVOICED', 0, :invoice, :now, :correlationId) as period
    from billing.subscription s
    where s.id = :subscriptionId
        and s.status = 'PENDING'
), answer (status, body, events) as (
    select case when m.period is null then 'subscription_over' else 'ok' end,
        json_build_object('invoiceId', m.period #>> '{state,invoiceId}'),
        m.period -> 'events'
    from (values (true)) as one (row)
    left join made m on true
)
select * from answer;
