-- in: why the charger could not be asked, as :reason
-- out: ok
with failed as (
    update charging.session s
    set status = 'FAILED',
        failure = coalesce(:reason, 'unknown'),
        version = s.version + 1
    where s.id = :newId
        and s.status in ('PENDING', 'STARTING')
    returning charging.session_event(s, 'charging.session.failed.v1') as event
), answer (status, body, events) as (
    select 'ok', null::json, (select jsonb_agg(f.event) from failed f)
)
select * from answer;
