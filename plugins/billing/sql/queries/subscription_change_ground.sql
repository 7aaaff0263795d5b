-- in: id, planId, when
-- out: {version}; for a change at once also what it is from and to, and how much of the cycle has gone (us)
select json_build_object(
    'version', s.version,
    'from', case when n.terms is not null then s.state #> '{terms,price}' end,
    'to', n.terms -> 'price',
    'elapsed', (extract(epoch from :now - (s.state ->> 'periodStart')::timestamptz) * 1000000)::bigint,
    'whole', (extract(epoch from (s.state ->> 'periodEnd')::timestamptz - (s.state ->> 'periodStart')::timestamptz)
        * 1000000)::bigint,
    'currency', s.state #> '{terms,currency}',
    'minorUnits', billing.minor_units(s.state #>> '{terms,currency}'),
    'taxRate', billing.tax_rate_at(s.state #>> '{terms,country}', 'SUBSCRIPTION', :now, s.state #>> '{terms,timeZone}')) as body
from billing.subscription s
left join lateral (
    select billing.plan_terms(p.id, p.revision) as terms
    from billing.plan p
    where p.id = :planId
        and coalesce(:when, 'NOW') = 'NOW') n on true
where s.id = :id
    and vg.visible(:callerRole, :callerId, :callerCompany, s.customer_id, s.issuer, s.company_id);
