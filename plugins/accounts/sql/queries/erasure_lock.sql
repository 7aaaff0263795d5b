-- in: erasureId
-- Who has it knows who else has answered.
select e.id
from accounts.erasure as e
where e.id = :erasureId
for update;
