-- in: sessionId, costs
-- out: ok
-- Without costs (no tariff is known) the session is complete and unpriced.
-- Told twice it completes once.
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
    where s.id = :sessionId
        and s.connector_id is null
    order by c.connector_id desc
    limit 1
), completed as (
    update charging.session s
    set status = 'COMPLETED',
        completed_at = :now,
        connector_id = coalesce(s.connector_id, p.connector_id),
        station_id = coalesce(s.station_id, p.station_id),
        operator_id = coalesce(s.operator_id, p.operator_id),
        country = coalesce(s.country, p.country),
        time_zone = coalesce(p.time_zone, s.time_zone),
        tariff_version_id = coalesce(s.tariff_version_id, (:row ->> 'tariffVersionId')::uuid),
        currency = :costs ->> 'currency',
        cost = (:costs #>> '{total_cost,excl_vat}')::numeric,
        cost_incl_vat = (:costs #>> '{total_cost,incl_vat}')::numeric,
        costs = :costs,
        flags = charging.flag(s.flags, 'unpriced', :costs is null),
        version = s.version + 1
    from (select) one
    left join place p on true
    where s.id = :sessionId
        and s.status = 'STOPPING'
        and s.stop_received_at is not null
    returning charging.session_event(s, 'charging.session.completed.v1') as event
), answer (status, body, events) as (
    select 'ok', null::json, (select jsonb_agg(c.event) from completed c)
)
select * from answer;
