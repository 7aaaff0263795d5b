-- in: email
-- out: the user, held against logins and other resets
select u.id
from accounts.users as u
where u.email_key = accounts.email_key(:email)
    and u.verified_at is not null
for update;
