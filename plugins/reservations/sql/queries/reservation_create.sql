-- in: connectorId, stationId, connectorType, vehicleId, idTag, startTime, endTime, waitlist, grace, ahead,
--     freeCancellation, longest, furthest (seconds)
-- out: created, the reservation; accepted, when it waits
-- refuses: validation, connector_unknown, id_tag_refused, reservation_conflict
-- Of a station the first connector that is free; one that is out of order or
-- in use is the last choice. Whose tag: the caller's own, the vehicle's, the
-- driver's; else one of the reservation's own, 74 random bits in 20 characters.
with wanted as (
    select case when :endTime > :startTime then tstzrange(:startTime, :endTime) end as during,
        reservations.invalid(:startTime, :endTime, :now, :longest, :furthest) as invalid
), place as materialized (
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
    cross join wanted w
    where not exists (
        select
        from reservations.reservation r
        where r.connector_id = p.connector_id
            and r.status in ('PENDING', 'CONFIRMED', 'ACTIVE')
            and r.during && w.during)
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
        and reservations.visible(:callerRole, :callerId, :callerCompany, t.customer_id, t.company_id, t.company_id)
    order by k.rank, t.tag_key
    limit 1
), judged as (
    select case
            when w.invalid is not null then 'validation'
            when not exists (select from place) then 'connector_unknown'
            when :idTag is not null and t.id_tag is null then 'id_tag_refused'
            when f.connector_id is not null then 'created'
            when :waitlist then 'accepted'
            else 'reservation_conflict'
        end as verdict
    from wanted w
    left join free f on true
    left join tag t on true
), made as (
    insert into reservations.reservation as r (id, status, connector_id, station_id, charge_point_id, connector_number,
        connector_type, operator_id, customer_id, vehicle_id, company_id, id_tag, one_time_tag,
        start_time, end_time, grace, ahead, free_for, holds_from, expires_at, tariff_version_id, asked_at, created_at, updated_at)
    select :newId,
        case
            when j.verdict = 'accepted' then 'WAITLISTED'
            when :startTime - make_interval(secs => :ahead) <= :now then 'PENDING'
            else 'CONFIRMED'
        end,
        p.connector_id, p.station_id, p.charge_point_id, p.connector_number, :connectorType, p.operator_id,
        case when :callerRole = 'driver' then :callerId else t.customer_id end,
        coalesce(:vehicleId, t.vehicle_id),
        case when :callerRole in ('fleet_manager', 'partner') then :callerCompany else t.company_id end,
        coalesce(t.id_tag, upper(left(replace(gen_random_uuid()::text, '-', ''), 20))),
        t.id_tag is null,
        :startTime, :endTime,
        make_interval(secs => :grace), make_interval(secs => :ahead), make_interval(secs => :freeCancellation),
        :startTime - make_interval(secs => :ahead),
        reservations.expiry(:startTime, :endTime, make_interval(secs => :grace), :startTime),
        reservations.tariff_at(p.connector_id, p.station_id, p.operator_id, greatest(:startTime, :now)),
        case when j.verdict = 'created' and :startTime - make_interval(secs => :ahead) <= :now then :now end,
        :now, :now
    from judged j
    join lateral (
        select f.connector_id, f.station_id, f.charge_point_id, f.connector_number, f.operator_id
        from free f
        where j.verdict = 'created'
        union all
        (select :connectorId, q.station_id,
            case when :connectorId is not null then q.charge_point_id end,
            case when :connectorId is not null then q.connector_number end,
            q.operator_id
        from place q
        where j.verdict = 'accepted'
        limit 1)) p on true
    left join tag t on true
    on conflict on constraint reservation_conflict do nothing
    returning r as row
), answer (status, body, events) as (
    select case
            when j.verdict = 'created' and (m.row).id is null then 'again'
            else j.verdict
        end,
        case j.verdict
            when 'validation' then json_build_object('message', 'The interval is not valid', 'errors', w.invalid)
            when 'reservation_conflict' then (
                select reservations.conflict(array_agg(p.connector_id order by p.charge_point_id, p.connector_number),
                    w.during, null)
                from place p)
            else reservations.reservation_body(m.row)
        end,
        case
            when (m.row).id is not null
            then jsonb_build_array(reservations.reservation_event(m.row, 'reservation.created.v1'))
                || case (m.row).status
                    when 'CONFIRMED' then reservations.reservation_event(m.row, 'reservation.confirmed.v1')
                    when 'PENDING' then reservations.order_event(m.row, 'reservation.due.v1')
                    else '[]'
                end
        end
    from judged j
    cross join wanted w
    left join made m on true
)
select * from answer;
