-- in: chargePoint, connectorId (a Stop has none), transactionId, readings [{at, wh}], mostKw
-- out: {goesOn: […]}, what each is when the register had never begun anew; null: it is not followed
-- A charge point's messages come one after the other, so nothing is locked.
with followed as (
    select quirks.follow(r, :readings, :mostKw, :now) as goes_on
    from quirks.register as r
    where (r.charge_point_id, r.connector_number, r.started_at) = (
        select o.charge_point_id, o.connector_number, o.started_at
        from quirks.register as o
        where o.charge_point_id = :chargePoint
            and (o.transaction_id = :transactionId
                or coalesce(:transactionId, 0) <= 0 and o.connector_number = :connectorId)
        order by o.started_at desc
        limit 1)
), answer (status, body, events) as (
    select 'ok', json_build_object('goesOn', (select f.goes_on from followed as f)), null::jsonb
)
select * from answer;
