-- in: sessionId, costs
-- out: ok, the session
-- Completes what has stopped, with its costs or, where they are not known,
-- without; prices what was completed so, and tells it by an event of its own,
-- that nobody counts it as completed twice. Told again it changes nothing.
with found as (
    select s.id,
        s.status,
        charging.session_body(s) as body
    from charging.session s
    where s.id = :sessionId
), place as (
    select c.connector_id,
        c.station_id,
        c.operator_id,
        c.country,
        c.time_zone
    from charging.session s
    join charging.connector c
        on c.charge_point_id = s.charge_point_id
        and c.connector_number = s.connector_number
        and c.removed_at is null
    where s.id = :sessionId
        and s.connector_id is null
    order by c.connector_id desc
    limit 1
), priced as (
    update charging.session s
    set status = 'COMPLETED',
        completed_at = coalesce(s.completed_at, :now),
        connector_id = coalesce(s.connector_id, p.connector_id),
        station_id = coalesce(s.station_id, p.station_id),
        operator_id = coalesce(s.operator_id, p.operator_id, charging.operator_of(s.charge_point_id)),
        country = coalesce(s.country, p.country),
        time_zone = coalesce(p.time_zone, s.time_zone),
        tariff_version_id = coalesce(s.tariff_version_id, (:row ->> 'tariffVersionId')::uuid),
        currency = :costs ->> 'currency',
        cost = (:costs #>> '{total_cost,excl_vat}')::numeric,
        cost_incl_vat = (:costs #>> '{total_cost,incl_vat}')::numeric,
        costs = :costs,
        flags = charging.flag(array_remove(s.flags, 'unpriced'), 'unpriced', :costs is null),
        version = s.version + 1
    from found f
    left join place p on true
    where s.id = f.id
        and (s.status = 'STOPPING' and s.stop_received_at is not null
            or s.status = 'COMPLETED' and s.cost is null and :costs is not null and 'erased' <> all (s.flags))
    returning charging.session_body(s) as body,
        charging.session_event(s, case f.status
            when 'COMPLETED' then 'charging.session.priced.v1'
            else 'charging.session.completed.v1'
        end) as event
), answer (status, body, events) as (
    select 'ok',
        coalesce(p.body, f.body),
        case when p.event is not null then jsonb_build_array(p.event) end
    from (select) one
    left join found f on true
    left join priced p on true
)
select * from answer;
