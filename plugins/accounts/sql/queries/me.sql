-- in: nothing
-- out: the caller as a user, null where it is none
select json_build_object(
    'user', (
        select accounts.user_body(u)
        from accounts.users as u
        where u.id = vg.cursor_id(:callerId)
            and u.verified_at is not null)) as body;
