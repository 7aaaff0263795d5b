-- in: id
-- out: for whom, and by what, a hold is sized; no customer: nobody whose money
-- could be held, or nothing that is still to come. What lies further ahead has
-- no rating; letsGo: it holds something all the same.
select json_build_object(
    'customerId', case when r.status in ('PENDING', 'CONFIRMED') and r.company_id is null then r.customer_id end,
    'operatorId', r.operator_id,
    'country', c.country,
    'timeZone', c.time_zone,
    'expiresAt', vg.z(r.end_time + interval '7 days'),
    'revision', r.version,
    'letsGo', r.hold_at is not null and r.hold_status in ('PENDING', 'HELD', 'EXHAUSTED'),
    'rating', case when r.hold_at is null then reservations.expected(r) end) as body
from reservations.reservation r
join reservations.connector c on c.connector_id = r.connector_id
where r.id = :id;
