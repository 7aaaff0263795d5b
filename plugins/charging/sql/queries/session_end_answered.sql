-- in: id; the charger's answer to RemoteStopTransaction, as :outcome; or why
-- it could not be asked, as :reason
-- out: ok
with refused as (
    update charging.session s
    set status = 'ACTIVE',
        failure = coalesce(:reason, 'stop_rejected'),
        stop_deadline = null,
        version = s.version + 1
    where s.id = :id
        and s.status = 'STOPPING'
        and s.stop_received_at is null
        and :outcome ->> 'status' is distinct from 'Accepted'
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
