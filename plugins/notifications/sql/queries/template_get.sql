-- in: id
-- out: the template
select r.body
from notifications.template_json as r
where r.id = :id
    and notifications.owned((r.row).company_id, :callerRole, :callerCompany);
