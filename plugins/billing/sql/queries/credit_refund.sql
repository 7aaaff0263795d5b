-- in: customerId, companyId (NULL both: the caller's own), amount (NULL: all that can go), currency
-- out: accepted, what goes back by which payment
-- refuses: not_found, unprocessable, credit_short, refund_too_high
--
-- The jobs that ask the providers are billing.credit_refund()'s: vg.job.
with asked as materialized (
    select billing.payer_of(a.customer, a.company) as payer,
        coalesce(:amount > 0 and :amount = round(:amount, billing.minor_units(:currency)), true) as exact
    from billing.payer_asked(:callerRole, :callerId, :callerCompany, :customerId, :companyId) a
), given as materialized (
    select billing.credit_refund(a.payer, :currency, :amount, :now, :correlationId) as parts
    from asked a
    where a.exact
), answer (status, body, events) as (
    select 'accepted',
        json_build_object(
            'amount', (
                select sum((p.value ->> 'amount')::numeric)
                from jsonb_array_elements(g.parts) p),
            'currency', :currency,
            'refunds', g.parts),
        null::jsonb
    from given g
    union all
    select case when exists (select from asked) then 'unprocessable' else 'not_found' end,
        null,
        null
    where not exists (select from given)
)
select * from answer;
