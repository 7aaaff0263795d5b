-- in: id, planId, when
-- out: {version}; for a change at once also what it is from and to, how much of the cycle has gone (us) and of its
-- energy was used; anew: the other plan has another cycle, which begins then
select json_build_object(
    'version', s.version,
    'from', case when n.terms is not null then s.state #> '{terms,price}' end,
    'to', n.terms -> 'price',
    'anew', billing.plan_anew(s.state -> 'terms', n.terms),
    'unit', case when billing.plan_anew(s.state -> 'terms', n.terms) then lower(n.terms ->> 'cycle') else 'part' end,
    'elapsed', (extract(epoch from :now - (s.state ->> 'periodStart')::timestamptz) * 1000000)::bigint,
    'whole', (extract(epoch from (s.state ->> 'periodEnd')::timestamptz - (s.state ->> 'periodStart')::timestamptz)
        * 1000000)::bigint,
    'fromKwh', s.state #> '{terms,includedKwh}',
    'toKwh', case when billing.plan_anew(s.state -> 'terms', n.terms) then '0' else n.terms -> 'includedKwh' end,
    'included', coalesce(a.included_kwh, 0),
    'used', coalesce(a.used_kwh, 0),
    'currency', s.state #> '{terms,currency}',
    'minorUnits', billing.minor_units(s.state #>> '{terms,currency}'),
    'taxRate', billing.tax_rate_at(n.terms ->> 'country', 'SUBSCRIPTION', :now, n.terms ->> 'timeZone')) as body
from billing.subscription s
left join billing.allowance a on a.subscription_id = s.id
    and a.starts_at = (s.state ->> 'periodStart')::timestamptz
left join lateral (
    select billing.plan_terms(p.id, p.revision) as terms
    from billing.plan p
    where p.id = :planId
        and coalesce(:when, 'NOW') = 'NOW') n on true
where s.id = :id
    and vg.visible(:callerRole, :callerId, :callerCompany, s.customer_id, s.issuer, s.company_id);
