-- in: connectorId, stationId, vehicleId, idTag, reservationId, startDeadline
-- out: accepted, the session
-- refuses: connector_unknown, connector_busy, connector_unavailable, id_tag_refused
-- Of a station the first connector that is free. Without an idTag the session
-- gets one of its own, 74 random bits in 20 characters.
with place as (
    select c.connector_id,
        c.charge_point_id,
        c.connector_number,
        c.station_id,
        c.operator_id,
        c.country,
        c.time_zone,
        exists (
            select
            from charging.session s
            where s.charge_point_id = c.charge_point_id
                and s.connector_number = c.connector_number
                and s.status in ('PENDING', 'STARTING', 'ACTIVE', 'SUSPENDED', 'STOPPING')
                and s.superseded_at is null
                and s.stop_received_at is null) as busy,
        coalesce(c.status in ('Faulted', 'Unavailable'), false) as unavailable
    from charging.connector c
    where c.removed_at is null
        and (c.connector_id = :connectorId or :connectorId is null and c.station_id = :stationId)
        and (:callerRole <> 'operator' or c.operator_id = :callerCompany)
    order by busy, unavailable, c.charge_point_id, c.connector_number
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
), judged as (
    select case
            when p.connector_id is null then 'connector_unknown'
            when :idTag is not null and t.id_tag is null then 'id_tag_refused'
            when p.busy then 'connector_busy'
            when p.unavailable then 'connector_unavailable'
            else 'accepted'
        end as verdict
    from (select) one
    left join place p on true
    left join tag t on true
), made as (
    insert into charging.session as s (id, status, connector_id, charge_point_id, connector_number, station_id,
        operator_id, country, time_zone, customer_id, vehicle_id, company_id, id_tag, one_time_tag,
        reservation_id, requested_at, deadline)
    select :newId, 'STARTING', p.connector_id, p.charge_point_id, p.connector_number, p.station_id,
        p.operator_id, p.country, p.time_zone,
        case when :callerRole = 'driver' then :callerId else t.customer_id end,
        coalesce(:vehicleId, t.vehicle_id),
        case when :callerRole in ('fleet_manager', 'partner') then :callerCompany else t.company_id end,
        coalesce(t.id_tag, upper(left(replace(gen_random_uuid()::text, '-', ''), 20))),
        t.id_tag is null, :reservationId, :now, :now + make_interval(secs => :startDeadline)
    from judged j
    cross join place p
    left join tag t on true
    where j.verdict = 'accepted'
    returning charging.session_body(s) as body
), answer (status, body, events) as (
    select j.verdict, m.body, null::jsonb
    from judged j
    left join made m on true
)
select * from answer;
