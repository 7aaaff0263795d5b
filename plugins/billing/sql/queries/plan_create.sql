-- in: name, operatorId, price, currency, cycle, includedKwh, discountPercent, country, timeZone
-- out: created, the plan
-- refuses: forbidden, unprocessable, time_zone_unknown
-- An operator's plans are its own; the house makes them for any. The price has
-- no more digits than its currency.
with judged as (
    select coalesce(:operatorId, nullif(:callerCompany, '')) as issuer,
        case
            when :callerRole not in ('admin', 'operator') then 'forbidden'
            when :callerRole = 'operator' and coalesce(:operatorId, :callerCompany) <> :callerCompany then 'forbidden'
            when coalesce(:operatorId, nullif(:callerCompany, '')) is null then 'unprocessable'
            when :price <> round(:price, billing.minor_units(:currency)) then 'unprocessable'
            else 'created'
        end as verdict
), plan as (
    insert into billing.plan as p (id, issuer, name, created_at)
    select :newId, j.issuer, :name, :now
    from judged j
    where j.verdict = 'created'
    returning p as row
), revision as (
    insert into billing.plan_revision as r (plan_id, revision, price, currency, cycle, included_kwh, discount_percent,
        country, time_zone, since)
    select :newId, 1, :price, :currency, :cycle, coalesce(:includedKwh, 0), coalesce(:discountPercent, 0),
        :country, :timeZone, :now
    from judged j
    where j.verdict = 'created'
    returning r as row
), answer (status, body, events) as (
    select j.verdict, case when p.row is not null then billing.plan_body(p.row, r.row) end, null::jsonb
    from judged j
    left join plan p on true
    left join revision r on true
)
select * from answer;
