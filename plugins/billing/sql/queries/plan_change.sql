-- in: id, name, status, price, includedKwh, discountPercent
-- out: ok, the plan
-- refuses: not_found, forbidden, precondition_failed, unprocessable
-- Other terms are another revision: who has subscribed keeps the one it has.
with known as (
    select p.id,
        p.version,
        p.revision,
        r.currency,
        case
            when p.issuer <> :callerCompany and :callerRole <> 'admin' or :callerRole not in ('admin', 'operator')
                then 'forbidden'
            when :ifMatch is not null and not p.version = any (:ifMatch) then 'precondition_failed'
            when :price <> round(:price, billing.minor_units(r.currency)) then 'unprocessable'
            else 'ok'
        end as verdict,
        (coalesce(:price, r.price), coalesce(:includedKwh, r.included_kwh), coalesce(:discountPercent, r.discount_percent))
            is distinct from (r.price, r.included_kwh, r.discount_percent) as differs
    from billing.plan p
    join billing.plan_revision r on r.plan_id = p.id and r.revision = p.revision
    where p.id = :id
), revised as (
    insert into billing.plan_revision as n (plan_id, revision, price, currency, cycle, included_kwh, discount_percent,
        country, time_zone, since)
    select r.plan_id, r.revision + 1, coalesce(:price, r.price), r.currency, r.cycle,
        coalesce(:includedKwh, r.included_kwh), coalesce(:discountPercent, r.discount_percent), r.country, r.time_zone, :now
    from known k
    join billing.plan_revision r on r.plan_id = k.id and r.revision = k.revision
    where k.verdict = 'ok'
        and k.differs
    returning n as row
), changed as (
    update billing.plan p
    set name = coalesce(:name, p.name),
        status = coalesce(:status, p.status),
        revision = p.revision + case when k.differs then 1 else 0 end,
        version = p.version + 1
    from known k
    where p.id = k.id
        and k.verdict = 'ok'
    returning p as row
), answer (status, body, events) as (
    select coalesce(k.verdict, 'not_found'),
        case when c.row is not null then billing.plan_body(c.row, coalesce(n.row, r)) end,
        null::jsonb
    from (values (true)) as one (row)
    left join known k on true
    left join changed c on true
    left join revised n on true
    left join billing.plan_revision r on r.plan_id = k.id and r.revision = k.revision
)
select * from answer;
