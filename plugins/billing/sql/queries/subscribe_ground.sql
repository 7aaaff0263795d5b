-- in: subscriptionId
-- out: what the first cycle costs: costs, taxRate, minorUnits
select json_build_object(
    'costs', billing.subscription_costs(s.state -> 'terms', (s.state #>> '{terms,price}')::numeric),
    'minorUnits', billing.minor_units(s.state #>> '{terms,currency}'),
    'taxRate', billing.tax_rate_at(s.state #>> '{terms,country}', 'SUBSCRIPTION', (s.state ->> 'anchor')::timestamptz,
        s.state #>> '{terms,timeZone}')) as body
from billing.subscription s
where s.id = :subscriptionId;
