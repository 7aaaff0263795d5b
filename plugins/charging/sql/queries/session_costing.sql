-- in: sessionId
-- out: what the cost of a stopped session is made of
select c.body
from charging.costing_json c
where c.session_id = :sessionId;
