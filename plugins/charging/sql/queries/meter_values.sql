-- in: connectorId, transactionId, meterValue
-- out: OCPP's MeterValues.conf, always; wakes the session's streams
-- Without a transaction they belong to the session that is open there. No
-- row of a session is touched, so that the append lane waits for nobody.
with about as (
    select s.id
    from charging.session s
    where s.transaction_id = :transactionId
        and s.charge_point_id = :chargePoint
    union all (
        select s.id
        from charging.session s
        where s.charge_point_id = :chargePoint
            and s.connector_number = :connectorId
            and s.status in ('ACTIVE', 'SUSPENDED', 'STOPPING')
            and s.stop_received_at is null
            and s.superseded_at is null
            and coalesce(:transactionId, 0) <= 0
        order by s.id desc
        limit 1)
), measured as (
    insert into charging.meter_value (charge_point_id, connector_number, at, measurand, phase, context, location,
        received_at, session_id, unit, raw, energy_wh, power_kw, current_a)
    select :chargePoint, :connectorId, v.at, v.measurand, v.phase, v.context, v.location,
        :now, a.id, v.unit, v.raw, v.energy_wh, v.power_kw, v.current_a
    from charging.samples(:meterValue, :now) v
    left join about a on true
    on conflict on constraint meter_value_key do nothing
), kept as (
    insert into charging.quarantine as q (id, charge_point_id, action, payload, reason, operator_id, received_at)
    select :newId, :chargePoint, 'MeterValues', :payload, 'transaction_unknown',
        charging.operator_of(:chargePoint), :now
    where :transactionId > 0
        and not exists (select from about)
    on conflict on constraint quarantine_message do update
    set repeats = q.repeats + 1
), answer (status, body, events) as (
    select 'ok',
        json_build_object(),
        (select jsonb_agg(jsonb_build_object('wake', a.id)) from about a)
)
select * from answer;
