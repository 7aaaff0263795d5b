-- in: id, when
-- out: {version}; to end it at once also what it is from and to, and how much of the cycle has gone (us)
select json_build_object(
    'version', s.version,
    'from', case when :when = 'NOW' and s.status = 'ACTIVE' then s.state #> '{terms,price}' end,
    'to', 0,
    'elapsed', (extract(epoch from :now - (s.state ->> 'periodStart')::timestamptz) * 1000000)::bigint,
    'whole', (extract(epoch from (s.state ->> 'periodEnd')::timestamptz - (s.state ->> 'periodStart')::timestamptz)
        * 1000000)::bigint,
    'minorUnits', billing.minor_units(s.state #>> '{terms,currency}')) as body
from billing.subscription s
where s.id = :id
    and vg.visible(:callerRole, :callerId, :callerCompany, s.customer_id, s.issuer, s.company_id);
