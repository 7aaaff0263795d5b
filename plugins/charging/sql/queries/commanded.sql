-- in: chargePointId, action, payload, result, at
-- out: ok
-- An operator's own command changes what the charge point holds: profiles are
-- taken over, of a list nothing is known any more. A TxProfile without a
-- transaction is for the one that runs.
with running as (
    select jsonb_build_object('transactionId', s.transaction_id) as own
    from charging.session s
    where s.charge_point_id = :chargePointId
        and s.connector_number = (:body #>> '{payload,connectorId}')::int
        and s.status in ('ACTIVE', 'SUSPENDED', 'STOPPING')
        and s.stop_received_at is null
        and s.superseded_at is null
        and :action = 'SetChargingProfile'
        and :body #>> '{payload,csChargingProfiles,chargingProfilePurpose}' = 'TxProfile'
    order by s.started_at desc
    limit 1
), stored as (
    select charging.profile_store(:newId, :chargePointId, (:body #>> '{payload,connectorId}')::int,
        coalesce((select r.own from running r), '{}') || (:body #> '{payload,csChargingProfiles}'), :body #>> '{result,status}', 'command', coalesce(:at, :now)) as body
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
