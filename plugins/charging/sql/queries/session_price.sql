-- in: id, costs
-- out: ok, the session
-- refuses: not_found
-- The sum is told by an event of its own, so that nobody counts the session
-- as completed twice.
with place as (
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
    where s.id = :id
        and s.connector_id is null
    order by c.connector_id desc
    limit 1
), priced as (
    update charging.session s
    set connector_id = coalesce(s.connector_id, p.connector_id),
        station_id = coalesce(s.station_id, p.station_id),
        operator_id = coalesce(s.operator_id, p.operator_id),
        country = coalesce(s.country, p.country),
        time_zone = coalesce(p.time_zone, s.time_zone),
        tariff_version_id = coalesce(s.tariff_version_id, (:row ->> 'tariffVersionId')::uuid),
        currency = :costs ->> 'currency',
        cost = (:costs #>> '{total_cost,excl_vat}')::numeric,
        cost_incl_vat = (:costs #>> '{total_cost,incl_vat}')::numeric,
        costs = :costs,
        flags = array_remove(s.flags, 'unpriced'),
        version = s.version + 1
    from (select) one
    left join place p on true
    where s.id = :id
        and s.status = 'COMPLETED'
        and s.cost is null
    returning charging.session_body(s) as body,
        charging.session_event(s, 'charging.session.priced.v1') as event
), answer (status, body, events) as (
    select case when p.body is null then 'not_found' else 'ok' end,
        p.body,
        case when p.event is not null then jsonb_build_array(p.event) end
    from (select) one
    left join priced p on true
)
select * from answer;
