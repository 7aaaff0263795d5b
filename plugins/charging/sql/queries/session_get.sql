-- in: id
-- out: {session, costing}: costing while there is no final cost
select json_build_object(
        'session', j.body,
        'costing', case
            when j.status in ('ACTIVE', 'SUSPENDED', 'STOPPING')
            then (
                select c.body
                from charging.costing_json c
                where c.session_id = j.id)
        end) as body
from charging.session_json j
where j.id = :id
    and vg.visible(:callerRole, :callerId, :callerCompany, j.customer_id, j.operator_id, j.company_id);
