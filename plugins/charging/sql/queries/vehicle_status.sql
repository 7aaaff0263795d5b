-- in: vehicleId
-- out: whether it charges, and its open session
select json_build_object(
        'vehicleId', :vehicleId,
        'charging', coalesce(o.status in ('ACTIVE', 'SUSPENDED', 'STOPPING'), false),
        'session', o.body) as body
from (select) one
left join lateral (
    select j.status,
        j.body
    from charging.session_json j
    where j.vehicle_id = :vehicleId
        and j.status in ('PENDING', 'STARTING', 'ACTIVE', 'SUSPENDED', 'STOPPING')
        and vg.visible(:callerRole, :callerId, :callerCompany, j.customer_id, j.operator_id, j.company_id)
    order by j.id desc
    limit 1) o on true;
