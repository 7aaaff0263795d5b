-- in: sessionId
select c.connector_id
from reservations.connector c
where c.connector_id = any (array(
        select r.connector_id
        from reservations.reservation r
        where r.session_id = :sessionId))
order by c.connector_id
for update;
