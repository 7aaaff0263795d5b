-- in: userId
-- out: all who wait for this address, so that one of them gets it
select u.id
from accounts.users as u
where u.email_key = (
        select w.email_key
        from accounts.users as w
        where w.id = :userId)
order by u.id
for update;
