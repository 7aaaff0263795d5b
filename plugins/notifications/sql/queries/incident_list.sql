-- in: status
-- out: the incidents that the caller sees, newest first
select i.body, i.id::text as cursor
from notifications.incident_json as i
where (:cursor is null or i.id < vg.cursor_id(:cursor))
    and (:status is null or (i.row).status = :status)
    and notifications.owned((i.row).company_id, :callerRole, :callerCompany)
order by i.id desc
limit :limit;
