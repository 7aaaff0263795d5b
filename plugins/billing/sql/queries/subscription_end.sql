-- in: id, when, credit, includedKwh
-- out: ok, the subscription; a card that is asked leaves a row in vg.job: see billing.intent_open()
-- refuses: not_found, precondition_failed, conflict, subscription_unpaid, subscription_over
-- PENDING: its saga has it, and it is not yet to be had; ACTIVE, but somebody is
-- being asked to pay: what would be given back is not known yet.
with known as (
    select s as row
    from billing.subscription s
    where s.id = :id
        and vg.visible(:callerRole, :callerId, :callerCompany, s.customer_id, s.issuer, s.company_id)
), judged as (
    select k.row,
        case
            when :ifMatch is not null and not (k.row).version = any (:ifMatch) then 'precondition_failed'
            when (k.row).status in ('CANCELLED', 'FAILED') then 'subscription_over'
            when (k.row).status = 'PENDING' then 'conflict'
            when :when = 'NOW' and (k.row).status = 'ACTIVE' and (k.row).invoice_id is not null then 'subscription_unpaid'
            when :when = 'NOW' and (k.row).status = 'ACTIVE' and ((k.row).version <> (:row ->> 'version')::int
                or ((k.row).state ->> 'periodEnd')::timestamptz <= :now) then 'conflict'
            else 'ok'
        end as verdict
    from known k
), ended as materialized (
    select billing.subscription_ended(j.row, coalesce(:when = 'NOW', false),
            row(null, :credit, :includedKwh, (:row ->> 'used')::numeric)::billing.change_worth, :callerId, :now, :correlationId) as made
    from judged j
    where j.verdict = 'ok'
), answer (status, body, events) as (
    select coalesce(j.verdict, 'not_found'),
        case when e.made is not null then billing.subscription_body(:id, e.made -> 'state') end,
        nullif(e.made -> 'events', '[]')
    from (values (true)) as one (row)
    left join judged j on true
    left join ended e on true
)
select * from answer;
