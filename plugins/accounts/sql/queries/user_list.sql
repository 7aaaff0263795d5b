-- in: email, role
-- out: users, oldest first; those who wait for their code are among them
select accounts.user_body(u) as body, u.id::text as cursor
from accounts.users as u
where (:cursor is null or u.id > vg.cursor_id(:cursor))
    and (:email is null or u.email_key = accounts.email_key(:email))
    and (:role is null or u.role = :role)
order by u.id
limit :limit;
