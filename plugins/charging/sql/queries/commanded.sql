-- in: chargePointId, action, payload, result, at
-- out: ok
-- An operator's own command changes what the charge point holds: profiles are
-- taken over, of a list nothing is known any more.
with stored as (
    select charging.profile_store(:newId, :chargePointId, (:body #>> '{payload,connectorId}')::int,
        :body #> '{payload,csChargingProfiles}', :body #>> '{result,status}', 'command', coalesce(:at, :now)) as body
    where :action = 'SetChargingProfile'
), cleared as (
    select charging.profile_clear(:chargePointId, :body -> 'payload', coalesce(:at, :now)) as count
    where :action = 'ClearChargingProfile'
), listed as (
    update charging.local_list l
    set full_due = true,
        due = true,
        list_version = greatest(l.list_version, (:body #>> '{payload,listVersion}')::int),
        next_at = least(l.next_at, :now)
    where :action = 'SendLocalList'
        and :body #>> '{result,status}' = 'Accepted'
        and l.charge_point_id = :chargePointId
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
    from (select) one
    left join stored s on true
    left join cleared c on true
)
select * from answer;
