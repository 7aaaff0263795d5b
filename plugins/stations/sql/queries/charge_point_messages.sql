-- in: id, from, to
-- out: us of Unix time between which its messages are asked for, for its operator
--
-- Who reads them sees what drivers do: no other role of the company.
select json_build_object(
    'from', coalesce((extract(epoch from :from::timestamptz) * 1000000)::bigint, 0),
    'to', coalesce((extract(epoch from :to::timestamptz) * 1000000)::bigint, 9223372036854775807)) as body
from stations.charge_point as p
where p.id = :id
    and (:callerRole = 'admin' or (:callerRole = 'operator' and p.operator_id = :callerCompany));
