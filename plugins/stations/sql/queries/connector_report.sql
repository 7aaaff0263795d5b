-- in: chargePoint, connectorId, known (the status as OCPP spells it), errorCode, info, timestamp, vendorId, vendorErrorCode
-- out: ok, what the connector's word is now, if anything changed; event connector.status_changed.v1, likewise
--
-- What arrives last is the state. since is the charger's time where it can
-- be: not more than 10 minutes ahead, not before what it said last. received_at
-- is later at each change, whatever our clocks say: words are put by it.
with told as (
    insert into stations.connector_status as t (
        charge_point_id, number, status, error_code, info, vendor_id, vendor_error_code, since, received_at)
    select
        p.id, :connectorId, :known, :errorCode, :info, :vendorId, :vendorErrorCode,
        case
            when :timestamp between :now - interval '30 days' and :now + interval '10 minutes' then :timestamp
            else :now
        end,
        :now
    from stations.charge_point as p
    where p.id = :chargePoint
    on conflict (charge_point_id, number) do update
    set status = excluded.status,
        error_code = excluded.error_code,
        info = excluded.info,
        vendor_id = excluded.vendor_id,
        vendor_error_code = excluded.vendor_error_code,
        since = case
            when t.status = excluded.status then t.since
            when excluded.since < t.since then excluded.received_at
            else excluded.since
        end,
        received_at = greatest(excluded.received_at, t.received_at + interval '1 microsecond')
    where (t.status, t.error_code, t.info, t.vendor_id, t.vendor_error_code)
        is distinct from (excluded.status, excluded.error_code, excluded.info, excluded.vendor_id, excluded.vendor_error_code)
    returning t.charge_point_id, t.number, t.status, t.error_code, t.since, t.received_at
), seen as (
    update stations.link as l
    set last_seen = :now
    where l.charge_point_id = :chargePoint
), answer (status, body, events) as (
    select
        'ok',
        coalesce(
            (
                select json_build_object(
                    'connectorId', c.id,
                    'status', t.status,
                    'at', stations.microseconds(t.received_at))
                from told as t
                join stations.connector as c
                    on c.charge_point_id = t.charge_point_id
                    and c.number = t.number
            ),
            '{}'),
        (
            select jsonb_build_array(jsonb_build_object(
                'type', 'connector.status_changed.v1',
                'aggregateId', coalesce(c.id::text, t.charge_point_id),
                'payload', jsonb_build_object(
                    'connectorId', c.id,
                    'stationId', c.station_id,
                    'operatorId', p.operator_id,
                    'chargePointId', t.charge_point_id,
                    'connectorNumber', t.number,
                    'status', t.status,
                    'errorCode', t.error_code,
                    'since', vg.z(t.since),
                    'receivedAt', vg.z(t.received_at))))
            from told as t
            join stations.charge_point as p on p.id = t.charge_point_id
            left join stations.connector as c
                on c.charge_point_id = t.charge_point_id
                and c.number = t.number
        )
)
select * from answer;
