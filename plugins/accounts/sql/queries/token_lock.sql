-- in: row
-- out: the user who logs in or goes on, so that tries are counted one by one
select u.id
from accounts.users as u
where u.id = coalesce((:row #>> '{user,id}')::uuid, (:row #>> '{session,userId}')::uuid)
for update;
