-- in: exportId
-- Who has it knows which plugins are done.
select e.id
from accounts.export as e
where e.id = :exportId
for update;
