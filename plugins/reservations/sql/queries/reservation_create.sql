-- in: connectorId, stationId, connectorType, vehicleId, idTag, startTime, endTime, waitlist, grace, ahead,
--     freeCancellation, longest, furthest (seconds), perCustomer, perCompany, waiting; :outcome, what accounts says
--     of the vehicle (vehicle), and billing of who pays (payer)
-- out: created, the reservation; accepted, when it waits
-- refuses: validation, connector_unknown, customer_unknown, vehicle_unknown, id_tag_refused, payment_required, reservations_too_many,
--     waitlist_full, reservation_conflict
-- Of a station the first connector that is free; one that is out of order or
-- in use is the last choice. Whose tag: the caller's own, the vehicle's, the
-- driver's; else one of the reservation's own, 74 random bits in 20 characters.
with place as materialized (
    select c.connector_id,
        c.station_id,
        c.charge_point_id,
        c.connector_number,
        c.operator_id,
        array_position(array['Available', 'Reserved', 'Unavailable', 'Faulted'], c.status) as rank
    from reservations.connector c
    where c.connector_id = any (array(
            select :connectorId
            union all
            select k.connector_id
            from reservations.connector k
            where k.station_id = :stationId
                and :connectorId is null))
        and c.removed_at is null
        and (:connectorType is null or c.connector_type = :connectorType)
        and (:callerRole <> 'operator' or c.operator_id = :callerCompany)
), free as (
    select p.connector_id,
        p.station_id,
        p.charge_point_id,
        p.connector_number,
        p.operator_id
    from place p
    -- what is held does not overlap, so the last that begins before the end
    -- is the one that can be in the way
    left join lateral (
        select r.end_time
        from reservations.reservation r
        where r.connector_id = p.connector_id
            and r.status in ('PENDING', 'CONFIRMED', 'ACTIVE')
            and r.start_time < :endTime
        order by r.start_time desc
        limit 1) last on true
    where last.end_time is null
        or last.end_time <= :startTime
    order by coalesce(p.rank, 2), p.charge_point_id, p.connector_number
    limit 1
), known as (
    select 1 as rank, t.tag_key
    from reservations.id_tag t
    where t.tag_key = lower(:idTag)
    union all
    select 2, t.tag_key
    from reservations.id_tag t
    where t.vehicle_id = :vehicleId
        and :idTag is null
    union all
    select 3, t.tag_key
    from reservations.id_tag t
    where t.customer_id = :callerId
        and :callerRole = 'driver'
        and :idTag is null
), tag as (
    select t.id_tag,
        t.customer_id,
        t.vehicle_id,
        t.company_id
    from known k
    join reservations.id_tag t on t.tag_key = k.tag_key
    where t.status = 'Accepted'
        and (t.expires_at is null or t.expires_at > :startTime)
        and vg.visible(:callerRole, :callerId, :callerCompany, t.customer_id, t.company_id, t.company_id)
    order by k.rank, t.tag_key
    limit 1
), account as (
    -- not over yet: of the driver, or of the fleet or partner, who calls
    select count(*) >= :perCustomer as is_full
    from reservations.reservation r
    where r.customer_id = :callerId
        and r.status in ('WAITLISTED', 'PENDING', 'CONFIRMED', 'ACTIVE')
    having :callerRole = 'driver'
    union all
    select count(*) >= :perCompany
    from reservations.reservation r
    where r.company_id = :callerCompany
        and r.status in ('WAITLISTED', 'PENDING', 'CONFIRMED', 'ACTIVE')
    having :callerRole in ('fleet_manager', 'partner')
), vehicle as materialized (
    select reservations.vehicle_known(:vehicleId, :outcome -> 'vehicle', :callerId, :callerRole, :callerCompany) as known
), judged as (
    select case
            when i.invalid is not null then 'validation'
            when not exists (select from place) then 'connector_unknown'
            when reservations.is_erased(:callerId, :callerRole) then 'customer_unknown'
            when not v.known then 'vehicle_unknown'
            when :idTag is not null and t.id_tag is null then 'id_tag_refused'
            when exists (select from account a where a.is_full) then 'reservations_too_many'
            when f.connector_id is not null
                and :outcome #> '{payer,payable}' = 'false'
                and t.company_id is null
                and exists (
                    select
                    from reservations.tariff_at(f.connector_id, f.station_id, f.operator_id, greatest(:startTime, :now)) v (id)
                    where reservations.is_priced(v.id)) then 'payment_required'
            when f.connector_id is not null then 'created'
            when not coalesce(:waitlist, false) then 'reservation_conflict'
            when (
                select count(*)
                from reservations.reservation r
                where r.station_id = (select p.station_id from place p limit 1)
                    and r.status = 'WAITLISTED') >= :waiting then 'waitlist_full'
            else 'accepted'
        end as verdict,
        i.invalid
    from reservations.invalid(:startTime, :endTime, :now, :longest, :furthest) i (invalid)
    cross join vehicle v
    left join free f on true
    left join tag t on true
), made as (
    insert into reservations.reservation as r (id, status, connector_id, station_id, charge_point_id, connector_number,
        connector_type, operator_id, customer_id, vehicle_id, company_id, id_tag, one_time_tag,
        start_time, end_time, grace, ahead, free_for, holds_from, expires_at, tariff_version_id, asked_at,
        created_at, updated_at)
    select :newId,
        case
            when f.connector_id is null then 'WAITLISTED'
            when :startTime - make_interval(secs => :ahead) <= :now then 'PENDING'
            else 'CONFIRMED'
        end,
        coalesce(f.connector_id, :connectorId), p.station_id,
        coalesce(f.charge_point_id, case when :connectorId is not null then p.charge_point_id end),
        coalesce(f.connector_number, case when :connectorId is not null then p.connector_number end),
        :connectorType, p.operator_id,
        case when :callerRole = 'driver' then :callerId else t.customer_id end,
        coalesce(:vehicleId, t.vehicle_id),
        case when :callerRole in ('fleet_manager', 'partner') then :callerCompany else t.company_id end,
        coalesce(t.id_tag, upper(left(replace(gen_random_uuid()::text, '-', ''), 20))),
        t.id_tag is null,
        :startTime, :endTime,
        make_interval(secs => :grace), make_interval(secs => :ahead), make_interval(secs => :freeCancellation),
        :startTime - make_interval(secs => :ahead),
        reservations.expiry(:startTime, :endTime, make_interval(secs => :grace), :startTime),
        v.id,
        case when f.connector_id is not null and :startTime - make_interval(secs => :ahead) <= :now then :now end,
        :now, :now
    from judged j
    cross join (
        select q.station_id, q.operator_id, q.charge_point_id, q.connector_number
        from place q
        limit 1) p
    left join free f on true
    left join tag t on true
    left join lateral reservations.tariff_at(f.connector_id, f.station_id, f.operator_id,
        greatest(:startTime, :now)) v (id) on true
    where j.verdict in ('created', 'accepted')
    on conflict on constraint reservation_conflict do nothing
    returning r as row,
        reservations.reservation_told(r) as told
), answer (status, body, events) as (
    select case
            when j.verdict = 'created' and m.told is null then 'again'
            else j.verdict
        end,
        case
            when m.told is not null then reservations.reservation_body(m.row)
            when j.verdict = 'validation' then json_build_object('message', 'The interval is not valid', 'errors', j.invalid)
            when j.verdict = 'reservation_conflict' then (
                select reservations.conflict(array_agg(p.connector_id order by p.charge_point_id, p.connector_number),
                    tstzrange(:startTime, :endTime), null)
                from place p)
        end,
        case
            when m.told is not null
            then jsonb_build_array(
                    jsonb_build_object('type', 'reservation.created.v1', 'aggregateId', :newId, 'payload', m.told))
                || case m.told ->> 'status'
                    when 'CONFIRMED'
                    then jsonb_build_object('type', 'reservation.confirmed.v1', 'aggregateId', :newId, 'payload', m.told)
                    when 'PENDING' then reservations.order_event(m.row, 'reservation.due.v1')
                    else '[]'
                end
        end
    from judged j
    left join made m on true
)
select * from answer;
