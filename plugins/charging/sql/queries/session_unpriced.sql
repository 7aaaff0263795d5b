-- in: sessionId
-- out: what the cost of a session is made of that was completed without one
select c.body
from charging.costing_json c
join charging.session s on s.id = c.session_id
where s.id = :sessionId
    and s.status = 'COMPLETED'
    and s.cost is null
    and 'erased' <> all (s.flags)
    and :callerRole in ('operator', 'admin')
    and (
        :callerRole = 'admin'
        or :callerCompany <> '' and coalesce(s.operator_id, charging.operator_of(s.charge_point_id)) = :callerCompany);
