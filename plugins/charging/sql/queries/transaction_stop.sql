-- in: transactionId, meterStop, timestamp, idTag, reason, transactionData,
-- samples
-- out: OCPP's StopTransaction.conf, always
-- The same Stop again changes nothing; another one of the same transaction is
-- kept in quarantine. A Stop whose transaction is not known (-1: the Start
-- was never delivered) is taken for the one open session of this charge point
-- that it fits by meter, time and tag, if there is exactly one. One that comes
-- after its session was given up is kept for an operator, unless it says what
-- was derived: that is billed already, perhaps paid.
with named as (
    select s.id
    from charging.session s
    where s.transaction_id = :transactionId
        and s.charge_point_id = :chargePoint
), fitting as (
    select s.id
    from charging.session s
    where s.charge_point_id = :chargePoint
        and s.status in ('ACTIVE', 'SUSPENDED', 'STOPPING')
        and s.stop_received_at is null
        and s.start_charger_at <= :timestamp
        and (:idTag is null or lower(s.id_tag) = lower(:idTag))
        and :meterStop >= greatest(s.meter_start_wh, (
            select max(v.energy_wh)
            from charging.meter_value v
            where v.session_id = s.id
                and v.energy_wh is not null))
        and not exists (select from named)
        and not exists (
            select
            from charging.quarantine q
            where q.transaction_id = :transactionId)
), target as (
    select n.id, false as guessed
    from named n
    union all
    select f.id, true
    from fitting f
    where (select count(*) from fitting) = 1
), judged as (
    select s.id,
        t.guessed,
        s.reaped_at is not null as reaped,
        s.reaped_at is not null and s.meter_stop_wh = :meterStop as confirmed,
        charging.billed_at(:timestamp, :now, s.started_at) as billed_at,
        case
            when s.stop_received_at is null then 'stop'
            when s.meter_stop_wh = :meterStop and s.stop_charger_at = :timestamp then 'same'
            else 'other'
        end as verdict
    from target t
    join charging.session s on s.id = t.id
), stopped as (
    update charging.session s
    set status = 'STOPPING',
        stop_deadline = null,
        meter_stop_wh = :meterStop,
        stop_charger_at = :timestamp,
        stop_received_at = :now,
        stopped_at = j.billed_at,
        stop_reason = coalesce(:reason, 'Local'),
        stop_id_tag = :idTag,
        failure = null,
        flags = charging.flag(charging.flag(charging.flag(s.flags,
            'clock', j.billed_at <> :timestamp),
            'meter_backwards', :meterStop < s.meter_start_wh),
            'reconciled', j.guessed),
        version = s.version + 1
    from judged j
    where s.id = j.id
        and j.verdict = 'stop'
    returning s.id,
        s.connector_number,
        s.operator_id,
        s.customer_id,
        s.company_id
), repeated as (
    update charging.session s
    set stop_repeats = s.stop_repeats + 1
    from judged j
    where s.id = j.id
        and j.verdict = 'same'
), late as (
    update charging.session s
    set flags = charging.flag(s.flags, 'stop_late', true),
        version = s.version + 1
    from judged j
    where s.id = j.id
        and j.verdict = 'other'
        and j.reaped
        and 'stop_late' <> all (s.flags)
    returning s.id
), measured as (
    insert into charging.meter_value (charge_point_id, connector_number, at, measurand, phase, context, location,
        received_at, session_id, unit, raw, energy_wh, power_kw, current_a)
    select :chargePoint, s.connector_number, coalesce(v.at, :now), v.measurand, v.phase, v.context, v.location,
        :now, s.id, v.unit, v.raw, v.energy_wh, v.power_kw, v.current_a
    from stopped s
    cross join unnest(:samples::charging.sample[]) v
    on conflict on constraint meter_value_key do nothing
), kept as (
    insert into charging.quarantine as q (id, charge_point_id, action, payload, reason, operator_id, session_id,
        received_at, resolved_at, note)
    select :newId, :chargePoint, 'StopTransaction', :payload,
        case
            when j.id is null then 'transaction_unknown'
            when j.guessed then 'transaction_guessed'
            when j.reaped then 'stop_late'
            else 'stopped_otherwise'
        end,
        charging.operator_of(:chargePoint), j.id, :now,
        case when j.guessed or j.confirmed then :now end,
        case
            when j.guessed then 'taken for the one open session that it fits'
            when j.confirmed then 'says what was derived without it'
        end
    from (select) one
    left join judged j on true
    where j.id is null
        or j.guessed
        or j.verdict = 'other'
    on conflict on constraint quarantine_message do update
    set repeats = q.repeats + 1
), answer (status, body, events) as (
    select 'ok',
        json_build_object(),
        (
            select jsonb_agg(t.event)
            from (
                select jsonb_build_object(
                    'type', 'charging.transaction.stopped.v1',
                    'aggregateId', s.id::text,
                    'payload', jsonb_build_object(
                        'sessionId', s.id,
                        'operatorId', s.operator_id,
                        'customerId', s.customer_id,
                        'companyId', s.company_id)) as event
                from stopped s
                union all
                select jsonb_build_object('wake', l.id)
                from late l) t)
)
select * from answer;
