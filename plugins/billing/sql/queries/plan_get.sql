-- in: id
-- out: the plan
select j.body
from billing.plan_json j
where j.id = :id;
