-- in: chargePoint, node, nodeStarted, protocol, address
-- out: ok, the epoch of this connection, and the other node that held one before, or null
-- refuses: not_found
--
-- The first epoch is the time in seconds: an identity that was removed and
-- made again counts on above what its old sockets hold.
with before as (
    select l.node
    from stations.link as l
    where l.charge_point_id = :chargePoint
        and l.connected
        and l.node <> :node
), link as (
    insert into stations.link as l (charge_point_id, epoch, connected, node, node_started, protocol, address, last_seen)
    select p.id, floor(extract(epoch from :now))::bigint, true, :node, :nodeStarted, :protocol, :address, :now
    from stations.charge_point as p
    where p.id = :chargePoint
    on conflict (charge_point_id) do update
    set epoch = greatest(l.epoch + 1, excluded.epoch),
        connected = true,
        node = excluded.node,
        node_started = excluded.node_started,
        protocol = excluded.protocol,
        address = excluded.address,
        last_seen = excluded.last_seen
    returning l.epoch
), answer (status, body, events) as (
    select 'ok', json_build_object('epoch', l.epoch, 'before', (select b.node from before as b)), null::jsonb
    from link as l
    union all
    select 'not_found', null, null
    where not exists (select from link)
)
select * from answer;
