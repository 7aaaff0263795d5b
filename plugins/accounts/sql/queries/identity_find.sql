-- in: id
-- out: id; no row: nobody who may call
select json_build_object('id', :id) as body
where exists (
        select
        from accounts.users as u
        where u.id = vg.cursor_id(:id)
            and u.verified_at is not null
            and u.blocked_at is null)
    or exists (
        select
        from accounts.api_key as k
        where k.id = vg.cursor_id(:id)
            and k.revoked_at is null
            and (k.expires_at is null or k.expires_at > :now));
