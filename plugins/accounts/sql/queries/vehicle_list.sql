-- in: id (a customer that the caller sees, or null: any)
-- out: vehicles that the caller sees, oldest first
select v.body, v.id::text as cursor
from accounts.vehicle_json as v
where (:cursor is null or v.id > vg.cursor_id(:cursor))
    and (:id is null or v.customer_id = :id)
    and vg.visible(:callerRole, :callerId, :callerCompany, v.customer_id, v.operator_id, v.company_id)
order by v.id
limit :limit;
