-- in: reservationId, ocppReservationId, status, connectorId, operatorId, customerId, vehicleId, companyId, idTag,
--     holdsFrom, expiresAt, endTime
-- out: ok
-- Kept while it may be used: what waits has no connector yet, what is used
-- has its session, what is over holds nothing.
with gone as (
    delete from charging.reservation r
    where r.reservation_id = :reservationId
        and :status not in ('PENDING', 'CONFIRMED')
), kept as (
    insert into charging.reservation (reservation_id, ocpp_reservation_id, connector_id, operator_id, customer_id,
        vehicle_id, company_id, id_tag, holds_from, expires_at, end_time)
    select :reservationId, :ocppReservationId, :connectorId, :operatorId, :customerId,
        :vehicleId, :companyId, :idTag, :holdsFrom, :expiresAt, :endTime
    where :status in ('PENDING', 'CONFIRMED')
        and :connectorId is not null
    on conflict (reservation_id) do update
    set connector_id = excluded.connector_id,
        holds_from = excluded.holds_from,
        expires_at = excluded.expires_at,
        end_time = excluded.end_time
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
