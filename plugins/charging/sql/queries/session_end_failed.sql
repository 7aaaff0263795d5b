-- in: id; why the charger could not be asked, as :reason
-- out: ok
with resumed as (
    update charging.session s
    set status = 'ACTIVE',
        failure = coalesce(:reason, 'unknown'),
        stop_deadline = null,
        version = s.version + 1
    where s.id = :id
        and s.status = 'STOPPING'
        and s.stop_received_at is null
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
