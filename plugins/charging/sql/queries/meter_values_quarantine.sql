-- in: the raw payload, and why it is kept when not for its fields
-- out: OCPP's MeterValues.conf, always
with kept as (
    insert into charging.quarantine as q (id, charge_point_id, action, payload, reason, operator_id, received_at)
    select :newId, :chargePoint, 'MeterValues', :payload, coalesce(:reason, 'fields'), charging.operator_of(:chargePoint), :now
    on conflict on constraint quarantine_message do update
    set repeats = q.repeats + 1
), answer (status, body, events) as (
    select 'ok', json_build_object(), null::jsonb
)
select * from answer;
