-- in: incidentId, level
-- out: ok; who is told that nobody has acknowledged it, each with its row in vg.job
with told as materialized (
    select notifications.escalated(:incidentId, :level, :now, :correlationId)
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
    from (select count(*) from told) as one
)
select * from answer;
