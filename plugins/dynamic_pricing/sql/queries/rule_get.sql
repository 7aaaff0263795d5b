-- in: id
-- out: the rule, for its operator
select dynamic_pricing.rule_body(r) as body
from dynamic_pricing.rule as r
where r.id = :id
    and dynamic_pricing.owned(r.operator_id, :callerRole, :callerCompany);
