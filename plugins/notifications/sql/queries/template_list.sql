-- in: name
-- out: the templates that the caller sees, oldest first
select r.body, r.id::text as cursor
from notifications.template_json as r
where (:cursor is null or r.id > vg.cursor_id(:cursor))
    and (:name is null or (r.row).name = :name)
    and notifications.owned((r.row).company_id, :callerRole, :callerCompany)
order by r.id
limit :limit;
