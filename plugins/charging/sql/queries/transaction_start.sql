-- in: connectorId, idTag, meterStart, timestamp, reservationId
-- out: OCPP's StartTransaction.conf, always
-- The same Start again gives the same transaction. A Start that carries the
-- tag of a waiting session is that session; else it makes one, at an unknown
-- connector and with a refused tag too: the energy flows. One that comes when
-- the session of its tag has failed is for who asked for that.
with place as (
    select c.connector_id,
        c.station_id,
        c.operator_id,
        c.country,
        c.time_zone
    from charging.connector c
    where c.charge_point_id = :chargePoint
        and c.connector_number = :connectorId
        and c.removed_at is null
    order by c.connector_id desc
    limit 1
), booked as (
    select r.reservation_id,
        lower(r.id_tag) = lower(:idTag) or coalesce(r.ocpp_reservation_id = :reservationId, false) as ours
    from charging.reservation r
    join place p on p.connector_id = r.connector_id
    where r.ocpp_reservation_id = :reservationId
        or r.holds_from <= :now and r.expires_at > :now
    order by ours desc, r.holds_from
    limit 1
), tag as (
    select t.status,
        t.expires_at,
        t.parent_id_tag,
        t.customer_id,
        t.vehicle_id,
        t.company_id
    from charging.id_tag t
    where t.tag_key = lower(:idTag)
), earlier as (
    select s.id,
        s.transaction_id,
        s.start_tag_status
    from charging.session s
    where s.charge_point_id = :chargePoint
        and s.connector_number = :connectorId
        and s.start_charger_at = :timestamp
        and s.meter_start_wh = :meterStart
        and lower(s.id_tag) = lower(:idTag)
        and s.transaction_id is not null
), awaited as (
    select s.id,
        s.requested_at,
        s.deadline
    from charging.session s
    where s.charge_point_id = :chargePoint
        and lower(s.id_tag) = lower(:idTag)
        and s.status in ('PENDING', 'STARTING')
        and not exists (select from earlier)
    order by s.connector_number = :connectorId desc, s.id
    limit 1
), late_once as (
    -- of one who was erased, no pseudonym: the energy is on no account
    select case when 'erased' <> all (s.flags) then s.customer_id end as customer_id,
        case when 'erased' <> all (s.flags) then s.vehicle_id end as vehicle_id,
        s.company_id,
        s.requested_at
    from charging.session s
    where lower(s.id_tag) = lower(:idTag)
        and s.one_time_tag
        and s.charge_point_id = :chargePoint
        and s.status not in ('PENDING', 'STARTING')
    order by s.id desc
    limit 1
), late_known as (
    -- a tag of its own is the late one's only while nothing came after
    select s.customer_id,
        s.vehicle_id,
        s.company_id,
        s.requested_at
    from place p
    join charging.session s on s.connector_id = p.connector_id
    where lower(s.id_tag) = lower(:idTag)
        and not s.one_time_tag
        and s.status = 'FAILED'
        and s.failure in ('cancelled', 'start_timeout', 'overdue', 'interrupted')
        and :timestamp between s.requested_at - interval '10 minutes' and s.deadline + interval '2 hours'
        and not exists (select from awaited)
        and not exists (
            select
            from charging.session n
            where n.connector_id = s.connector_id
                and n.id > s.id
                and lower(n.id_tag) = lower(:idTag))
    order by s.id desc
    limit 1
), late as (
    select o.*
    from late_once o
    union all
    select k.*
    from late_known k
    limit 1
), elsewhere as (
    select s.id
    from charging.session s
    where lower(s.id_tag) = lower(:idTag)
        and s.status in ('ACTIVE', 'SUSPENDED')
        and s.superseded_at is null
        and (s.charge_point_id, s.connector_number) <> (:chargePoint, :connectorId)
    limit 1
), judged as (
    select case
            when w.id is not null and w.deadline > :now then 'Accepted'
            when t.status is null and (w.id is not null or l.requested_at is not null) then 'Expired'
            when charging.tag_status(t.status, t.expires_at, :now) = 'Accepted' and e.id is not null then 'ConcurrentTx'
            else charging.tag_status(t.status, t.expires_at, :now)
        end as tag_status,
        charging.billed_at(:timestamp, :now,
            coalesce(w.requested_at, l.requested_at) - interval '10 minutes') as billed_at,
        charging.tariff_at(p.connector_id, p.station_id, p.operator_id,
            charging.billed_at(:timestamp, :now,
                coalesce(w.requested_at, l.requested_at) - interval '10 minutes')) as tariff_version_id
    from (select) one
    left join place p on true
    left join tag t on true
    left join awaited w on true
    left join late l on true
    left join elsewhere e on true
), marked as (
    select array_remove(array[
            case when not exists (select from place) then 'unknown_connector' end,
            case when j.billed_at <> :timestamp then 'clock' end,
            case when j.tag_status <> 'Accepted' then 'tag_refused' end,
            case when exists (select from late) then 'late_start' end,
            case when exists (select from booked b where not b.ours) then 'reserved_for_other' end,
            case when :meterStart < 0 then 'meter_negative' end], null) as flags
    from judged j
), passed as (
    update charging.session s
    set superseded_at = :now,
        flags = charging.flag(s.flags, 'superseded', true),
        version = s.version + 1
    from judged j
    where s.charge_point_id = :chargePoint
        and s.connector_number = :connectorId
        and s.status in ('ACTIVE', 'SUSPENDED', 'STOPPING')
        and s.stop_received_at is null
        and s.superseded_at is null
        and s.started_at <= j.billed_at
        and not exists (select from earlier)
), begun as (
    update charging.session s
    set status = 'ACTIVE',
        transaction_id = nextval('charging.transaction_id'),
        connector_id = coalesce(p.connector_id, s.connector_id),
        connector_number = :connectorId,
        reservation_id = coalesce(s.reservation_id, (select b.reservation_id from booked b where b.ours)),
        tariff_version_id = j.tariff_version_id,
        meter_start_wh = :meterStart,
        start_charger_at = :timestamp,
        start_received_at = :now,
        started_at = j.billed_at,
        start_tag_status = j.tag_status,
        flags = s.flags || m.flags,
        version = s.version + 1
    from awaited w
    cross join judged j
    cross join marked m
    left join place p on true
    where s.id = w.id
    returning s.transaction_id,
        s.start_tag_status,
        charging.session_event(s, 'charging.session.started.v1') as event,
        jsonb_build_object('saga', 'charging.start', 'id', s.id) as saga
), made as (
    insert into charging.session as s (id, status, transaction_id, connector_id, charge_point_id, connector_number,
        station_id, operator_id, country, time_zone, customer_id, vehicle_id, company_id, id_tag,
        reservation_id, tariff_version_id, meter_start_wh, start_charger_at, start_received_at, started_at,
        start_tag_status, flags)
    select :newId, 'ACTIVE', nextval('charging.transaction_id'), p.connector_id, :chargePoint, :connectorId,
        p.station_id, p.operator_id, p.country, coalesce(p.time_zone, 'UTC'),
        coalesce(l.customer_id, t.customer_id), coalesce(l.vehicle_id, t.vehicle_id),
        coalesce(l.company_id, t.company_id), :idTag,
        (select b.reservation_id from booked b where b.ours),
        j.tariff_version_id, :meterStart, :timestamp, :now, j.billed_at, j.tag_status, m.flags
    from judged j
    cross join marked m
    left join place p on true
    left join tag t on true
    left join late l on true
    where not exists (select from earlier)
        and not exists (select from awaited)
    on conflict (charge_point_id, connector_number, start_charger_at, meter_start_wh, lower(id_tag))
        where transaction_id is not null
    do update set start_repeats = s.start_repeats + 1
    returning s.transaction_id,
        s.start_tag_status,
        case
            when s.id = :newId
            then charging.session_event(s, 'charging.session.started.v1')
        end as event
), repeated as (
    update charging.session s
    set start_repeats = s.start_repeats + 1
    from earlier e
    where s.id = e.id
), started as (
    select e.transaction_id, e.start_tag_status, null::jsonb as event, null::jsonb as saga
    from earlier e
    union all
    select b.transaction_id, b.start_tag_status, b.event, b.saga
    from begun b
    union all
    select m.transaction_id, m.start_tag_status, m.event, null
    from made m
), answer (status, body, events) as (
    select 'ok',
        json_build_object(
            'transactionId', s.transaction_id,
            'idTagInfo', json_strip_nulls(json_build_object(
                'status', s.start_tag_status,
                'expiryDate', vg.z(t.expires_at),
                'parentIdTag', t.parent_id_tag))),
        case
            when s.saga is not null then jsonb_build_array(s.event, s.saga)
            when s.event is not null then jsonb_build_array(s.event)
        end
    from started s
    left join tag t on true
)
select * from answer;
