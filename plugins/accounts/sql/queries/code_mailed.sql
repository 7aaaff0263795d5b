-- in: codeId, userId, template; bound: salt and hash of the code that was mailed, codeLifetime
-- out: ok; it is good from now on, in place of the last one
with coded as (
    insert into accounts.code as c (id, user_id, purpose, salt, hash, expires_at)
    select :codeId, u.id, case :template when 'password.reset' then 'reset' else 'verify' end, :salt, :hash,
        :now + make_interval(secs => :codeLifetime)
    from accounts.users as u
    where u.id = :userId
    on conflict (id) do update
    set salt = excluded.salt,
        hash = excluded.hash,
        tries = 0,
        expires_at = excluded.expires_at
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
