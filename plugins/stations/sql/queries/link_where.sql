-- in: chargePoint
-- out: the node that holds its socket; no row: not connected
select json_build_object('node', l.node, 'epoch', l.epoch) as body
from stations.link as l
where l.charge_point_id = :chargePoint
    and stations.link_connected(l);
