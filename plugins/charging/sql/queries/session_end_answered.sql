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
    returning s.id
), answer (status, body, events) as (
    select 'ok',
        null::json,
        (select jsonb_agg(jsonb_build_object('wake', r.id)) from refused r)
)
select * from answer;
