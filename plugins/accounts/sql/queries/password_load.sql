-- in: nothing
-- out: the hash of the caller's password; no row: the caller is no user
select json_build_object('id', u.id, 'password', u.password) as body
from accounts.users as u
where u.id = vg.cursor_id(:callerId)
    and u.verified_at is not null
    and u.blocked_at is null;
