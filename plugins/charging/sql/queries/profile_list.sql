-- in: chargePointId, connectorNumber, purpose, held
-- out: an operator's profiles, newest first
select p.body,
    p.id::text as cursor
from charging.charging_profile_json p
where (:callerRole = 'admin'
        or :callerRole = 'operator' and charging.operator_of(p.charge_point_id) = nullif(:callerCompany, ''))
    and (:chargePointId is null or p.charge_point_id = :chargePointId)
    and (:connectorNumber is null or p.connector_number = :connectorNumber)
    and (:purpose is null or p.purpose = :purpose)
    and (:held is null or :held = (p.body ->> 'status' = 'ACCEPTED'))
    and (:cursor is null or p.id < vg.cursor_id(:cursor))
order by p.id desc
limit :limit;
