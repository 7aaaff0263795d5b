-- in: id
-- The connector that is reserved, or all of the station's, where it waits for
-- any of them.
select c.connector_id
from reservations.connector c
where c.connector_id = any (array(
        select r.connector_id
        from reservations.reservation r
        where r.id = :id
        union all
        select k.connector_id
        from reservations.reservation r
        join reservations.connector k on k.station_id = r.station_id
        where r.id = :id
            and r.connector_id is null))
order by c.connector_id
for update;
