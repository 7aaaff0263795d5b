-- in: id, planId, when, methodId, credit, invoice, includedKwh
-- out: ok, the subscription; a card that is asked leaves a row in vg.job: see billing.intent_open()
-- refuses: not_found, precondition_failed, conflict, plan_unknown, plan_unlike, subscription_unpaid, subscription_over, payment_required
-- What it costs was reckoned from the row as it was loaded: if it has moved
-- since, that is a conflict.
with known as (
    select s as row,
        p.status as plan_status,
        p.issuer,
        billing.plan_terms(p.id, p.revision) as terms
    from billing.subscription s
    left join billing.plan p on p.id = :planId
    where s.id = :id
        and vg.visible(:callerRole, :callerId, :callerCompany, s.customer_id, s.issuer, s.company_id)
), judged as (
    select k.row,
        k.terms,
        case
            when :ifMatch is not null and not (k.row).version = any (:ifMatch) then 'precondition_failed'
            when (k.row).status in ('CANCELLED', 'FAILED') then 'subscription_over'
            when :methodId is not null and not billing.subscription_payable((k.row).customer_id, (k.row).company_id,
                :methodId, (k.row).state #>> '{terms,currency}') then 'payment_required'
            when :planId is null then 'ok'
            when k.plan_status is distinct from 'ACTIVE' and :planId <> (k.row).plan_id then 'plan_unknown'
            when (k.issuer, k.terms -> 'currency') <> ((k.row).issuer, (k.row).state #> '{terms,currency}') then 'plan_unlike'
            when (k.row).status <> 'ACTIVE' or (k.row).invoice_id is not null then 'subscription_unpaid'
            when (k.row).version <> (:row ->> 'version')::int
                or ((k.row).state ->> 'periodEnd')::timestamptz <= :now then 'conflict'
            else 'ok'
        end as verdict
    from known k
), paid as materialized (
    select case
            when :methodId is not null
            then billing.subscription_append(:id, (j.row).version, 'METHOD_CHANGED',
                jsonb_build_object('methodId', :methodId), :callerId, :now, :correlationId)
            else (j.row).state
        end as state
    from judged j
    where j.verdict = 'ok'
), changed as materialized (
    select case
            when :planId is not null
            then billing.subscription_changed(billing.subscription_at(j.row, p.state), j.terms, :when,
                row(:invoice, :credit, :includedKwh, (:row ->> 'used')::numeric)::billing.change_worth,
                :callerId, :now, :correlationId)
            else jsonb_build_object('state', p.state)
        end as made
    from paid p
    cross join judged j
), answer (status, body, events) as (
    select coalesce(j.verdict, 'not_found'),
        case when c.made is not null then billing.subscription_body(:id, c.made -> 'state') end,
        nullif(c.made -> 'events', '[]')
    from (values (true)) as one (row)
    left join judged j on true
    left join changed c on true
)
select * from answer;
