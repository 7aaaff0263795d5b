-- in: ruleId
-- out: the rule as its test takes it
select json_build_object(
    'id', r.id,
    'name', r.name,
    'companyId', r.company_id,
    'condition', r.condition,
    'window', r.span,
    'actions', r.actions) as body
from notifications.rule as r
where r.id = :ruleId
    and notifications.owned(r.company_id, :callerRole, :callerCompany);
