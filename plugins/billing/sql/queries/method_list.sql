-- in: customerId, companyId
-- out: methods that the caller sees, oldest first
select m.body,
    m.id::text as cursor
from billing.method_json m
where vg.visible(:callerRole, :callerId, :callerCompany, m.customer_id, m.operator_id, m.company_id)
    and (:customerId is null or m.customer_id = :customerId)
    and (:companyId is null or m.company_id = :companyId)
    and (:cursor is null or m.id > vg.cursor_id(:cursor))
order by m.id
limit :limit;
