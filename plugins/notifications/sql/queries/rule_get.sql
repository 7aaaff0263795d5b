-- in: id
-- out: the rule
select r.body
from notifications.rule_json as r
where r.id = :id
    and notifications.owned((r.row).company_id, :callerRole, :callerCompany);
