-- in: sessionId
-- out: for whom, and by what, a hold is sized; no customer: nobody whose money
-- could be held, or nothing that goes on. FAILED, too, when it is too late.
select json_build_object(
    'status', case when s.status = 'STARTING' and s.deadline <= :now then 'FAILED' else s.status end,
    'failure', s.failure,
    'customerId', case
        when s.company_id is null
            and s.status in ('PENDING', 'STARTING', 'ACTIVE', 'SUSPENDED', 'STOPPING')
            and 'erased' <> all (s.flags)
        then s.customer_id
    end,
    'operatorId', s.operator_id,
    'country', s.country,
    'timeZone', s.time_zone,
    'reservationId', s.reservation_id,
    'expected', charging.expected(s, :now)) as body
from charging.session s
where s.id = :sessionId;
