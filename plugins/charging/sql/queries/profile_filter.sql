-- in: chargePointId, connectorNumber, purpose, stackLevel
-- out: {payload}: the ClearChargingProfile to send
select json_build_object('payload', json_strip_nulls(json_build_object(
        'connectorId', :connectorNumber,
        'chargingProfilePurpose', :purpose,
        'stackLevel', :stackLevel))) as body
from (select) one
where :callerRole = 'admin'
    or :callerRole = 'operator' and charging.operator_of(:chargePointId) = nullif(:callerCompany, '');
