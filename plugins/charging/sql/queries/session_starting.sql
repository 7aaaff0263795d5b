-- in: sessionId
-- out: what the charger is asked to start; FAILED too when it is too late for
-- that, since nobody could ask before
select json_build_object(
    'status', case when s.status = 'STARTING' and s.deadline <= :now then 'FAILED' else s.status end,
    'accepted', s.accepted_at is not null,
    'chargePointId', s.charge_point_id,
    'connectorNumber', s.connector_number,
    'idTag', s.id_tag) as body
from charging.session s
where s.id = :sessionId;
