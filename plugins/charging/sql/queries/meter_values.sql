-- in: connectorId, transactionId, samples
-- out: OCPP's MeterValues.conf, always; wakes the session's streams
-- Many messages at once. Without a transaction they belong to the session that
-- is open there. No row of a session is touched, so that the append lane waits
-- for nobody.
with told as (
    select *
    from :each(connectorId, transactionId, samples, chargePoint, now)
        as t (connector_number, transaction_id, samples, charge_point_id, received_at, call)
), about as (
    select t.*,
        coalesce(n.id, o.id) as session_id
    from told t
    left join charging.session n on n.transaction_id = t.transaction_id
        and n.charge_point_id = t.charge_point_id
    left join lateral (
        select s.id
        from charging.session s
        where s.charge_point_id = t.charge_point_id
            and s.connector_number = t.connector_number
            and s.status in ('ACTIVE', 'SUSPENDED', 'STOPPING')
            and s.stop_received_at is null
            and s.superseded_at is null
            and coalesce(t.transaction_id, 0) <= 0
        order by s.id desc
        limit 1) o on true
), measured as (
    insert into charging.meter_value (charge_point_id, connector_number, at, measurand, phase, context, location,
        received_at, session_id, unit, raw, energy_wh, power_kw, current_a)
    select a.charge_point_id, a.connector_number, coalesce(v.at, a.received_at), v.measurand, v.phase, v.context,
        v.location, a.received_at, a.session_id, v.unit, v.raw, v.energy_wh, v.power_kw, v.current_a
    from about a
    cross join unnest(a.samples::charging.sample[]) v
    on conflict on constraint meter_value_key do nothing
), answer (call, status, body, wake) as (
    select a.call,
        case
            when a.transaction_id > 0 and a.session_id is null
            then 'quarantine'
            else 'ok'
        end,
        case
            when a.transaction_id > 0 and a.session_id is null
            then 'transaction_unknown'
            else '{}'
        end,
        a.session_id::text
    from about a
)
select * from answer;
