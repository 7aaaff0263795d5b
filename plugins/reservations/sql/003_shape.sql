-- A reservation as clients see it, as its events tell it, and what pricing is
-- asked about it.

create function reservations.reservation_body(r reservations.reservation) returns json
language sql stable parallel safe
return json_build_object(
    'id', r.id,
    'ocppReservationId', r.ocpp_reservation_id,
    'status', r.status,
    'connectorId', r.connector_id,
    'stationId', r.station_id,
    'chargePointId', r.charge_point_id,
    'connectorNumber', r.connector_number,
    'connectorType', r.connector_type,
    'operatorId', r.operator_id,
    'customerId', r.customer_id,
    'vehicleId', r.vehicle_id,
    'companyId', r.company_id,
    'idTag', r.id_tag,
    'startTime', vg.z(r.start_time),
    'endTime', vg.z(r.end_time),
    'holdsFrom', vg.z(r.holds_from),
    'expiresAt', vg.z(r.expires_at),
    'freeCancellationUntil', vg.z(r.start_time - r.free_for),
    'chargerStatus', r.charger_status,
    'sessionId', r.session_id,
    'promotedAt', vg.z(r.promoted_at),
    'usedAt', vg.z(r.used_at),
    'overAt', vg.z(r.over_at),
    'reason', r.reason,
    'tariffVersionId', r.tariff_version_id,
    'currency', r.currency,
    'fee', r.fee,
    'feeInclVat', r.fee_incl_vat,
    'createdAt', vg.z(r.created_at),
    'updatedAt', vg.z(r.updated_at),
    'version', r.version);

create view reservations.reservation_json as
select r.id,
    r.status,
    r.connector_id,
    r.station_id,
    r.customer_id,
    r.operator_id,
    r.company_id,
    r.vehicle_id,
    r.during,
    r.version,
    reservations.reservation_body(r) as body
from reservations.reservation r;

create function reservations.country_of(connector uuid) returns text
language plpgsql stable strict parallel safe as $$
begin
    return (
        select c.country
        from reservations.connector c
        where c.connector_id = connector);
end
$$;

create function reservations.time_zone_of(connector uuid) returns text
language plpgsql stable strict parallel safe as $$
begin
    return (
        select c.time_zone
        from reservations.connector c
        where c.connector_id = connector);
end
$$;

-- reservation_told(row): what events say of a reservation.
create function reservations.reservation_told(r reservations.reservation) returns jsonb
language sql stable parallel safe
return jsonb_build_object(
    'reservationId', r.id,
    'ocppReservationId', r.ocpp_reservation_id,
    'status', r.status,
    'connectorId', r.connector_id,
    'stationId', r.station_id,
    'chargePointId', r.charge_point_id,
    'connectorNumber', r.connector_number,
    'operatorId', r.operator_id,
    'country', reservations.country_of(r.connector_id),
    'timeZone', reservations.time_zone_of(r.connector_id),
    'customerId', r.customer_id,
    'vehicleId', r.vehicle_id,
    'companyId', r.company_id,
    'idTag', r.id_tag,
    'startTime', vg.z(r.start_time),
    'endTime', vg.z(r.end_time),
    'holdsFrom', vg.z(r.holds_from),
    'expiresAt', vg.z(r.expires_at),
    'sessionId', r.session_id,
    'reason', r.reason,
    'currency', r.currency,
    'fee', r.fee,
    'feeInclVat', r.fee_incl_vat,
    'costs', r.costs);

-- reservation_event(row, type): the event of that type about a reservation.
create function reservations.reservation_event(r reservations.reservation, type text) returns jsonb
language sql stable parallel safe
return jsonb_build_object(
    'type', type,
    'aggregateId', r.id::text,
    'payload', reservations.reservation_told(r));

-- order_event(row, type): what reservations tells itself to do.
create function reservations.order_event(r reservations.reservation, type text) returns jsonb
language sql stable parallel safe
return jsonb_build_object(
    'type', type,
    'aggregateId', r.id::text,
    'payload', jsonb_build_object('id', r.id));

-- ended(row, type, moment): what the end of one is told as: by that type; to its
-- charger, where that holds what was cancelled (an expiry it sees by itself); and
-- to those who waited, and are served in the same commit. The caller holds the
-- connector's lock.
create function reservations.ended(r reservations.reservation, type text, moment timestamptz) returns jsonb
language plpgsql as $$
begin
    return jsonb_build_array(reservations.reservation_event(r, type))
        || case
            when r.status = 'CANCELLED' and r.charger_status = 'Accepted'
            then reservations.order_event(r, 'reservation.withdrawn.v1')
            else '[]'
        end
        || coalesce((
            select jsonb_agg(reservations.reservation_event(p, 'reservation.promoted.v1'))
            from reservations.promote(r.connector_id, moment) p), '[]');
end
$$;


-- rating(row, moment, expired): what `pricing.rate` is asked about one that
-- ends unused at that moment: OCPI's RESERVATION_TIME since its start, in
-- hours. NULL: nothing to ask. Its period is a second at least, the time
-- billed is not.
create function reservations.rating(r reservations.reservation, moment timestamptz, expired boolean) returns json
language sql stable
begin atomic
    select json_build_object(
        'tariff', t.tariff,
        'start_date_time', vg.z(r.start_time),
        'end_date_time', vg.z(greatest(moment, r.start_time + interval '1 second')),
        'time_zone', (select c.time_zone from reservations.connector c where c.connector_id = r.connector_id),
        'reservation_expired', expired,
        'charging_periods', json_build_array(json_build_object(
            'start_date_time', vg.z(r.start_time),
            'dimensions', json_build_array(json_build_object(
                'type', 'RESERVATION_TIME',
                'volume', round(greatest(extract(epoch from moment - r.start_time), 0) / 3600, 9))))))
    from reservations.tariff t
    where t.tariff_version_id = r.tariff_version_id;
end;

-- owed(costs, vat): the reservation's part of OCPI CDR costs, max_price
-- heeded; min_price is a charging session's.
create function reservations.owed(costs jsonb, vat text) returns numeric
language sql immutable parallel safe
return least(
    (costs #>> array['total_reservation_cost', vat])::numeric,
    (costs #>> array['total_cost', vat])::numeric);
