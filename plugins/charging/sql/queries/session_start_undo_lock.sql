-- in: sessionId
select s.id
from charging.session s
where s.id = :sessionId
for update;
