-- in: nothing
-- out: {prices: {key: {costs, minorUnits, taxRate}}}, one for each plan's revision and day among those that are due
with due as (
    select s.state || jsonb_build_object('terms', coalesce(s.state -> 'planned', s.state -> 'terms')) as state
    from billing.subscription s
    where s.next_at <= :now
        and s.status = 'ACTIVE'
        and s.invoice_id is null
    order by s.next_at
    limit 1000
), price as (
    select distinct on (1) billing.subscription_price(d.state, (d.state ->> 'periodEnd')::timestamptz) as key,
        d.state -> 'terms' as terms,
        (d.state ->> 'periodEnd')::timestamptz as day
    from due d
    order by 1
)
select json_build_object('prices', coalesce(json_object_agg(p.key, json_build_object(
        'costs', billing.subscription_costs(p.terms, (p.terms ->> 'price')::numeric),
        'minorUnits', billing.minor_units(p.terms ->> 'currency'),
        'taxRate', billing.tax_rate_at(p.terms ->> 'country', 'SUBSCRIPTION', p.day, p.terms ->> 'timeZone'))), '{}')) as body
from price p;
