-- in: connectorId, stationId, vehicleId, idTag, reservationId, startDeadline; :outcome, what accounts says of the
--     vehicle (party), and billing of who pays (payer)
-- out: accepted, the session
-- refuses: connector_unknown, connector_busy, connector_unavailable, connector_reserved, reservation_unknown,
--     reservation_unusable, customer_unknown, vehicle_unknown, id_tag_refused, payment_required
-- Of a station the first connector that is free. Without an idTag the session
-- gets one of its own, 74 random bits in 20 characters. A reservation that is
-- named, or that holds the connector for this tag or driver, gives its own:
-- the charger knows it by that. The saga charging.start goes on from here; it
-- bears the session's id.
with named as (
    select r.reservation_id,
        r.connector_id,
        r.holds_from <= :now and r.expires_at > :now as holds
    from charging.reservation r
    where r.reservation_id = :reservationId
        and vg.visible(:callerRole, :callerId, :callerCompany, r.customer_id, r.operator_id, r.company_id)
), place as (
    select c.connector_id,
        c.charge_point_id,
        c.connector_number,
        c.station_id,
        c.operator_id,
        c.country,
        c.time_zone,
        -- no "exists": that may be planned as a hash of all open sessions
        (
            select true
            from charging.session s
            where s.charge_point_id = c.charge_point_id
                and s.connector_number = c.connector_number
                and s.status in ('PENDING', 'STARTING', 'ACTIVE', 'SUSPENDED', 'STOPPING')
                and s.superseded_at is null
                and s.stop_received_at is null
            limit 1) is not null as busy,
        coalesce(c.status in ('Faulted', 'Unavailable'), false) as unavailable,
        h.reservation_id,
        coalesce(not h.ours, false) as reserved,
        case when h.ours then h.id_tag end as reserved_tag,
        case when h.ours then h.customer_id end as reserved_customer,
        case when h.ours then h.vehicle_id end as reserved_vehicle,
        case when h.ours then h.company_id end as reserved_company
    from charging.connector c
    left join lateral (
        select r.reservation_id,
            r.id_tag,
            r.customer_id,
            r.vehicle_id,
            r.company_id,
            (exists (select from named n where n.reservation_id = r.reservation_id)
                or coalesce(lower(r.id_tag) = lower(:idTag), false)
                or :callerRole = 'driver' and coalesce(r.customer_id = :callerId, false)) as ours
        from charging.reservation r
        where r.connector_id = c.connector_id
            and r.holds_from <= :now
            and r.expires_at > :now
        order by ours desc, r.holds_from
        limit 1) h on true
    where c.removed_at is null
        and c.connector_id = any (case
            when :connectorId is not null then array[:connectorId]
            when :stationId is not null
            then array(select k.connector_id from charging.connector k where k.station_id = :stationId)
            else array(select n.connector_id from named n)
        end)
        and (:callerRole <> 'operator' or c.operator_id = :callerCompany)
    order by coalesce(h.reservation_id = :reservationId, false) desc, busy, reserved, unavailable,
        c.charge_point_id, c.connector_number
    limit 1
), tag as (
    select t.id_tag,
        t.customer_id,
        t.vehicle_id,
        t.company_id
    from charging.id_tag t
    where t.tag_key = lower(:idTag)
        and charging.tag_status(t.status, t.expires_at, :now) = 'Accepted'
        and charging.tag_visible(:callerRole, :callerId, :callerCompany, t.customer_id, t.company_id)
), vehicle as materialized (
    select charging.party_known('vehicle', :vehicleId::text, :outcome -> 'party', :callerId, :callerRole, :callerCompany) as known
), judged as (
    select case
            when :reservationId is not null and n.reservation_id is null then 'reservation_unknown'
            when p.connector_id is null then 'connector_unknown'
            when :reservationId is not null and (not n.holds or n.connector_id <> p.connector_id)
            then 'reservation_unusable'
            when charging.is_erased(:callerId, :callerRole) then 'customer_unknown'
            when not v.known then 'vehicle_unknown'
            when :idTag is not null and t.id_tag is null then 'id_tag_refused'
            when p.busy then 'connector_busy'
            when p.reserved then 'connector_reserved'
            when p.unavailable then 'connector_unavailable'
            when :outcome #> '{payer,payable}' = 'false'
                and coalesce(p.reserved_company, t.company_id) is null
                and charging.is_priced(p.connector_id, p.station_id, p.operator_id, :now)
            then 'payment_required'
            else 'accepted'
        end as verdict
    from vehicle v
    left join named n on true
    left join place p on true
    left join tag t on true
), made as (
    insert into charging.session as s (id, status, connector_id, charge_point_id, connector_number, station_id,
        operator_id, country, time_zone, customer_id, vehicle_id, company_id, id_tag, one_time_tag,
        reservation_id, requested_at, deadline)
    select :newId, 'STARTING', p.connector_id, p.charge_point_id, p.connector_number, p.station_id,
        p.operator_id, p.country, p.time_zone,
        case when :callerRole = 'driver' then :callerId else coalesce(p.reserved_customer, t.customer_id) end,
        coalesce(:vehicleId, p.reserved_vehicle, t.vehicle_id),
        case
            when :callerRole in ('fleet_manager', 'partner') then :callerCompany
            else coalesce(p.reserved_company, t.company_id)
        end,
        coalesce(p.reserved_tag, t.id_tag, upper(left(replace(gen_random_uuid()::text, '-', ''), 20))),
        (
            select true
            from charging.id_tag k
            where k.tag_key = lower(coalesce(p.reserved_tag, t.id_tag))) is null,
        case when p.reserved_tag is not null then p.reservation_id end, :now, :now + make_interval(secs => :startDeadline)
    from judged j
    cross join place p
    left join tag t on true
    where j.verdict = 'accepted'
    returning charging.session_body(s) as body
), answer (status, body, events) as (
    select j.verdict,
        m.body,
        case
            when m.body is not null
            then jsonb_build_array(jsonb_build_object(
                'saga', 'charging.start',
                'id', :newId,
                'data', jsonb_build_object('sessionId', :newId)))
        end
    from judged j
    left join made m on true
)
select * from answer;
