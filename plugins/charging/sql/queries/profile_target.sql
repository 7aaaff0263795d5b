-- in: chargePointId, connectorNumber, sessionId, profile
-- out: {payload, session}: the SetChargingProfile to send; session is false
-- when sessionId is none that runs at this connector
-- The id is random where the caller names none: counting would need a lock
-- that is held while the charger answers.
select json_build_object(
    'session', :sessionId is null or s.transaction_id is not null,
    'payload', json_build_object(
        'connectorId', :connectorNumber,
        'csChargingProfiles', json_strip_nulls((
            :profile || jsonb_build_object(
                'chargingProfileId', coalesce(
                    (:profile ->> 'chargingProfileId')::int,
                    1 + (hashtext(:newId::text) & 1073741823)),
                'transactionId', s.transaction_id,
                'validFrom', vg.z((:profile ->> 'validFrom')::timestamptz),
                'validTo', vg.z((:profile ->> 'validTo')::timestamptz),
                'chargingSchedule', (:profile -> 'chargingSchedule') || jsonb_build_object(
                    'startSchedule', vg.z((:profile #>> '{chargingSchedule,startSchedule}')::timestamptz)))
        )::json))) as body
from (select) one
left join charging.session s
    on s.id = :sessionId
    and s.charge_point_id = :chargePointId
    and s.connector_number = :connectorNumber
    and s.status in ('ACTIVE', 'SUSPENDED', 'STOPPING')
    and s.stop_received_at is null
where :callerRole = 'admin'
    or :callerRole = 'operator' and charging.operator_of(:chargePointId) = nullif(:callerCompany, '');
