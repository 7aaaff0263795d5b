-- in: email; bound: salt and hash of the code, code, codeLifetime, mails, sandbox
-- out: accepted, whatever there is
with known as (
    select u.id, u.email, u.email_key, u.name
    from accounts.users as u
    where u.email_key = accounts.email_key(:email)
        and u.verified_at is not null
        and u.blocked_at is null
        and accounts.postage_taken(u.email_key, :now, :mails)
), coded as (
    insert into accounts.code as c (user_id, purpose, salt, hash, expires_at)
    select k.id, 'reset', :salt, :hash, :now + make_interval(secs => :codeLifetime)
    from known as k
    on conflict (user_id, purpose) do update
    set salt = excluded.salt,
        hash = excluded.hash,
        tries = 0,
        expires_at = excluded.expires_at
), kept as (
    insert into accounts.sandbox_mail (id, email, email_key, template, data, at)
    select vg.uuid7(), k.email, k.email_key, 'password.reset',
        jsonb_build_object('code', :code, 'name', k.name), :now
    from known as k
    where :sandbox
), sent as (
    insert into vg.job (plugin, kind, payload, correlation_id)
    select :vgPlugin, 'mail.send', jsonb_build_object('email', k.email, 'template', 'password.reset',
        'data', jsonb_build_object('code', :code, 'name', k.name)), :correlationId
    from known as k
    where not :sandbox
), answer (status, body, events) as (
    select 'accepted', json_build_object(), null::jsonb
    from (select count(*) from known) as one
)
select * from answer;
