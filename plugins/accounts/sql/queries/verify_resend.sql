-- in: userId; bound: salt and hash of the code, code, codeLifetime, mails, sandbox
-- out: accepted, whatever there is
with waiting as (
    select u.id, u.email, u.email_key, u.name
    from accounts.users as u
    where u.id = :userId
        and u.verified_at is null
        and accounts.postage_taken(u.email_key, 'verify', :now, :mails)
), coded as (
    insert into accounts.code as c (id, user_id, purpose, salt, hash, expires_at)
    select w.id, w.id, 'verify', :salt, :hash, :now + make_interval(secs => :codeLifetime)
    from waiting as w
    where :sandbox -- else the job draws it
    on conflict (id) do update
    set salt = excluded.salt,
        hash = excluded.hash,
        tries = 0,
        expires_at = excluded.expires_at
), kept as (
    insert into accounts.sandbox_mail (id, email, email_key, template, data, at)
    select vg.uuid7(), w.email, w.email_key, 'account.verify',
        jsonb_build_object('userId', w.id, 'code', :code, 'name', w.name), :now
    from waiting as w
    where :sandbox
), sent as (
    insert into vg.job (plugin, kind, payload, correlation_id)
    select :vgPlugin, 'code.mail', jsonb_build_object('email', w.email, 'template', 'account.verify',
        'userId', w.id, 'codeId', w.id, 'name', w.name), :correlationId
    from waiting as w
    where not :sandbox
), answer (status, body, events) as (
    select 'accepted', json_build_object(), null::jsonb
    from (select count(*) from waiting) as one
)
select * from answer;
