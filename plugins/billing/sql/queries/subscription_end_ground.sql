-- in: id, when
-- out: {version}; to end it at once also what it is from and to, and how much of the cycle has gone (us) and of its
-- energy was used
select json_build_object(
    'version', s.version,
    'from', case when :when = 'NOW' and s.status = 'ACTIVE' then s.state #> '{terms,price}' end,
    'to', 0,
    'elapsed', (extract(epoch from :now - (s.state ->> 'periodStart')::timestamptz) * 1000000)::bigint,
    'whole', (extract(epoch from (s.state ->> 'periodEnd')::timestamptz - (s.state ->> 'periodStart')::timestamptz)
        * 1000000)::bigint,
    'fromKwh', s.state #> '{terms,includedKwh}',
    'toKwh', 0,
    'included', coalesce(a.included_kwh, 0),
    'used', coalesce(a.used_kwh, 0),
    'minorUnits', billing.minor_units(s.state #>> '{terms,currency}')) as body
from billing.subscription s
left join billing.allowance a on a.subscription_id = s.id
    and a.starts_at = (s.state ->> 'periodStart')::timestamptz
where s.id = :id
    and vg.visible(:callerRole, :callerId, :callerCompany, s.customer_id, s.issuer, s.company_id);
