-- in: planId, customerId, companyId, methodId, startAt; operator (whose customer it must be, as accounts says: :outcome)
-- out: accepted, the subscription
-- refuses: forbidden, not_found, unprocessable, plan_unknown, payment_required
-- Drivers subscribe for themselves, fleets on their company's account,
-- operators their customers to plans of their own. The saga billing.subscribe goes on
-- from here, or, with startAt, from then; it bears the subscription's id.
with asked as (
    select case when :callerRole = 'driver' then :callerId else :customerId end as customer_id,
        case when :callerRole = 'fleet_manager' then :callerCompany else :companyId end as company_id
), plan as (
    select p.issuer,
        p.revision,
        billing.plan_terms(p.id, p.revision) as terms
    from billing.plan p
    where p.id = :planId
        and p.status = 'ACTIVE'
), judged as (
    select a.customer_id,
        a.company_id,
        p.issuer,
        p.terms,
        case
            when :callerRole = 'driver' and (coalesce(:customerId, :callerId) <> :callerId or :companyId is not null)
                or :callerRole = 'fleet_manager' and (coalesce(:companyId, :callerCompany) <> :callerCompany
                    or :customerId is not null)
                or :callerRole = 'operator' and p.issuer <> :callerCompany
                then 'forbidden'
            when :operator is not null and :outcome -> 'customer' ->> 'operatorId' is distinct from :callerCompany then 'not_found'
            when num_nonnulls(a.customer_id, a.company_id) <> 1
                or :startAt < :now or :startAt > :now + interval '1 year' then 'unprocessable'
            when p.issuer is null then 'plan_unknown'
            when (p.terms ->> 'price')::numeric > 0
                and not billing.subscription_payable(a.customer_id, a.company_id, :methodId, p.terms ->> 'currency')
                then 'payment_required'
            else 'accepted'
        end as verdict
    from asked a
    left join plan p on true
), made as materialized (
    select billing.subscription_append(:newId, 0, 'CREATED',
            jsonb_build_object(
                'status', case when :startAt is not null then 'SCHEDULED' end,
                'customerId', j.customer_id,
                'companyId', j.company_id,
                'issuer', j.issuer,
                'methodId', :methodId,
                'terms', j.terms,
                'anchor', vg.z(date_trunc('second', coalesce(:startAt, :now))),
                'nextAt', vg.z(date_trunc('second', :startAt))),
            :callerId, :now, :correlationId) as state
    from judged j
    where j.verdict = 'accepted'
), answer (status, body, events) as (
    select j.verdict,
        case when m.state is not null then billing.subscription_body(:newId, m.state) end,
        case
            when m.state ->> 'status' = 'PENDING'
            then jsonb_build_array(jsonb_build_object(
                'saga', 'billing.subscribe',
                'id', :newId,
                'data', jsonb_build_object('subscriptionId', :newId)))
        end
    from judged j
    left join made m on true
)
select * from answer;
