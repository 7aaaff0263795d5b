-- in: customerId, companyId (NULL both: the caller's own), amount, currency, methodId (NULL: the payer's own)
-- out: accepted, the payment that is to pay it in
-- refuses: not_found, unprocessable, payment_required
-- The job that asks its provider is billing.intent_open()'s: vg.job.
with asked as materialized (
    select a.customer,
        a.company,
        :amount > 0 and :amount = round(:amount, billing.minor_units(:currency)) as exact
    from billing.payer_asked(:callerRole, :callerId, :callerCompany, :customerId, :companyId) a
), opened as materialized (
    select a.customer,
        a.company,
        billing.intent_open(:newId, 'TOP_UP', :newId, p.id, a.customer, a.company, null, :methodId, :amount,
            :currency, 'CAPTURED', :now, :correlationId) as void
    from asked a
    cross join lateral billing.payer_known(a.customer, a.company) p
    where a.exact
), answer (status, body, events) as (
    select 'accepted',
        json_build_object(
            'id', :newId,
            'purpose', 'TOP_UP',
            'status', 'PENDING',
            'amount', round(:amount, billing.minor_units(:currency)),
            'currency', :currency,
            'customerId', o.customer,
            'companyId', o.company),
        null::jsonb
    from opened o
    union all
    select case when exists (select from asked) then 'unprocessable' else 'not_found' end,
        null,
        null
    where not exists (select from opened)
)
select * from answer;
