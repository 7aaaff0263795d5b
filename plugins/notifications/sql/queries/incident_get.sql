-- in: id
-- out: the incident
select i.body
from notifications.incident_json as i
where i.id = :id
    and notifications.owned((i.row).company_id, :callerRole, :callerCompany);
