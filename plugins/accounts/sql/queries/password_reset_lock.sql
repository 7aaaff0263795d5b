-- in: resetId
-- out: the user, held against logins and other resets
select u.id
from accounts.users as u
join accounts.code as c on c.user_id = u.id
where c.id = :resetId
    and c.purpose = 'reset'
for update of u;
