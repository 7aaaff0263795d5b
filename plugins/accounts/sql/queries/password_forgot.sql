-- in: email; bound: salt and hash of the code, code, codeLifetime, mails, sandbox
-- out: accepted, and the id of a reset, whatever there is
with reset as materialized (
    select gen_random_uuid() as id
), postage as materialized (
    -- of an address that nobody has, too: what is flushed takes its time
    select accounts.postage_taken(accounts.email_key(:email), 'reset', :now, :mails) as taken
), known as (
    select u.id, u.email, u.email_key, u.name
    from accounts.users as u
    cross join postage as p
    where u.email_key = accounts.email_key(:email)
        and u.verified_at is not null
        and u.blocked_at is null
        and p.taken
), coded as (
    insert into accounts.code (id, user_id, purpose, salt, hash, expires_at)
    select r.id, k.id, 'reset', :salt, :hash, :now + make_interval(secs => :codeLifetime)
    from known as k
    cross join reset as r
    where :sandbox -- else the job draws it
), kept as (
    insert into accounts.sandbox_mail (id, email, email_key, template, data, at)
    select vg.uuid7(), k.email, k.email_key, 'password.reset',
        jsonb_build_object('resetId', r.id, 'code', :code, 'name', k.name), :now
    from known as k
    cross join reset as r
    where :sandbox
), sent as (
    insert into vg.job (plugin, kind, payload, correlation_id)
    select :vgPlugin, 'code.mail', jsonb_build_object('email', k.email, 'template', 'password.reset',
        'userId', k.id, 'codeId', r.id, 'name', k.name), :correlationId
    from known as k
    cross join reset as r
    where not :sandbox
), answer (status, body, events) as (
    select 'accepted', json_build_object('resetId', r.id), null::jsonb
    from reset as r
    cross join (select count(*) from postage) as written
)
select * from answer;
