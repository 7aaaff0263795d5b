-- in: sessionId
-- out: ok
with running as (
    delete from stations.running as r
    where r.session_id = :sessionId
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
