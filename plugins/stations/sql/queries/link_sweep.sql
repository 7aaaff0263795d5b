-- in: node, startedAt
-- out: ok, how many were closed
--
-- A node that was killed told no ends. What it holds by now was seen later.
with link as (
    update stations.link as l
    set connected = false
    where l.node = :node
        and l.connected
        and l.last_seen < :startedAt
    returning l.charge_point_id
), answer (status, body, events) as (
    select 'ok', json_build_object('closed', count(*)), null::jsonb
    from link
)
select * from answer;
