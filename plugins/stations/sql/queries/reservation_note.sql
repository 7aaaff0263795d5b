-- in: reservationId, connectorId (null: it waits for one), status, startTime, endTime
-- out: ok
--
-- What is over, or waits, is no reservation of a connector.
with wanted as (
    select :connectorId as connector_id
    where :connectorId is not null
        and :status in ('PENDING', 'CONFIRMED', 'ACTIVE')
), kept as (
    insert into stations.booking as b (reservation_id, connector_id, status, start_time, end_time)
    select :reservationId, w.connector_id, :status, :startTime, :endTime
    from wanted as w
    on conflict (reservation_id) do update
    set connector_id = excluded.connector_id,
        status = excluded.status,
        start_time = excluded.start_time,
        end_time = excluded.end_time
), gone as (
    delete from stations.booking as b
    where b.reservation_id = :reservationId
        and not exists (select from wanted)
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
