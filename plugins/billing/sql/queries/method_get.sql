-- in: id
-- out: the method
select m.body
from billing.method_json m
where m.id = :id
    and vg.visible(:callerRole, :callerId, :callerCompany, m.customer_id, m.operator_id, m.company_id);
