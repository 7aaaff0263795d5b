-- in: node, startedAt
-- out: ok, how many were closed
--
-- A node that was killed told no ends. What it holds by now is of this life of
-- it, whatever its clock did; of one that did not say which, the time decides.
with link as (
    update stations.link as l
    set connected = false
    where l.node = :node
        and l.connected
        and case
            when l.node_started is null then l.last_seen < :startedAt
            else l.node_started <> :startedAt
        end
    returning l.charge_point_id
), answer (status, body, events) as (
    select 'ok', json_build_object('closed', count(*)), null::jsonb
    from link
)
select * from answer;
