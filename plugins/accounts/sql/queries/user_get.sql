-- in: id
-- out: the user
select accounts.user_body(u) as body
from accounts.users as u
where u.id = :id;
