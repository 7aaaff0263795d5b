-- in: id
-- out: those of a charge point that was found to be the caller's, newest first
select t.body, t.id::text as cursor
from stations.certificate_request_json as t
where t.charge_point_id = :id
    and (:cursor is null or t.id < vg.cursor_id(:cursor))
order by t.id desc
limit :limit;
