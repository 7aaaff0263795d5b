-- in: sessionId
-- out: what the charger is asked to stop; transactionId is null for what is
-- over
select json_build_object(
    'chargePointId', s.charge_point_id,
    'transactionId', case
        when s.status in ('ACTIVE', 'SUSPENDED', 'STOPPING')
            and s.stop_received_at is null
            and s.superseded_at is null
        then s.transaction_id
    end) as body
from charging.session s
where s.id = :sessionId;
