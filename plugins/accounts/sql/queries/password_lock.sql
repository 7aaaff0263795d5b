-- in: nothing
-- out: the caller, held against logins
select u.id
from accounts.users as u
where u.id = vg.cursor_id(:callerId)
for update;
