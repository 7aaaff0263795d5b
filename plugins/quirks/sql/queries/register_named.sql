-- in: chargePoint, connectorId, transactionId
-- out: ok
with named as (
    update quirks.register as r
    set transaction_id = :transactionId
    where (r.charge_point_id, r.connector_number, r.started_at) = (
            select o.charge_point_id, o.connector_number, o.started_at
            from quirks.register as o
            where o.charge_point_id = :chargePoint
                and o.connector_number = coalesce(:connectorId, 0)
            order by o.started_at desc
            limit 1)
        and r.transaction_id is null
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
