-- in: chargePoint, type, timestamp, techInfo, payload
-- out: ok, {}; event charge_point.security_event.v1
with noticed as (
    insert into stations.notice (id, charge_point_id, action, payload, received_at)
    select :newId, p.id, 'SecurityEventNotification', :payload, :now
    from stations.charge_point as p
    where p.id = :chargePoint
    returning charge_point_id
), answer (status, body, events) as (
    select
        'ok',
        '{}'::json,
        (
            select jsonb_build_array(jsonb_build_object(
                'type', 'charge_point.security_event.v1',
                'aggregateId', n.charge_point_id,
                'payload', jsonb_build_object(
                    'chargePointId', n.charge_point_id,
                    'operatorId', p.operator_id,
                    'type', :type,
                    'techInfo', :techInfo,
                    'at', vg.z(:timestamp),
                    'receivedAt', vg.z(:now))))
            from noticed as n
            join stations.charge_point as p on p.id = n.charge_point_id
        )
)
select * from answer;
