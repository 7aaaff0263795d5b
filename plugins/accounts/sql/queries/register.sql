-- in: email, name, phone; :outcome is the password's hash; bound: salt and hash of the code, code, codeLifetime, mails, sandbox
-- out: created, the user as it is with a new address, whatever there is
--
-- Who asks learns nothing: an address that somebody has proved is told by mail
-- that somebody wanted it, and the id that is answered is nobody's.
with known as (
    select u.id
    from accounts.users as u
    where u.email_key = accounts.email_key(:email)
        and u.verified_at is not null
), made as (
    insert into accounts.users as u (id, email, email_key, name, phone, password, created_at)
    select :newId, :email, accounts.email_key(:email), :name, :phone, :outcome ->> 'hash', :now
    where not exists (select from known)
    returning u.id
), postage as materialized (
    select accounts.postage_taken(accounts.email_key(:email), 'verify', :now, :mails) as taken
), coded as (
    -- of a sandbox alone: else the job draws it, since it may stand in no table; each code is five guesses
    insert into accounts.code (id, user_id, purpose, salt, hash, expires_at)
    select m.id, m.id, 'verify', :salt, :hash, :now + make_interval(secs => :codeLifetime)
    from made as m
    cross join postage as p
    where p.taken
        and :sandbox
), mail as (
    select case when m.id is null then 'account.known' else 'account.verify' end as template, m.id
    from postage as p
    left join made as m on true
    where p.taken
), kept as (
    insert into accounts.sandbox_mail (id, email, email_key, template, data, at)
    select vg.uuid7(), :email, accounts.email_key(:email), m.template,
        case when m.id is null then '{}' else jsonb_build_object('userId', m.id, 'code', :code, 'name', :name) end, :now
    from mail as m
    where :sandbox
), sent as (
    insert into vg.job (plugin, kind, payload, correlation_id)
    select :vgPlugin, 'code.mail', jsonb_strip_nulls(jsonb_build_object('email', :email, 'template', m.template,
        'userId', m.id, 'codeId', m.id, 'name', case when m.id is not null then :name end)), :correlationId
    from mail as m
    where not :sandbox
), answer (status, body, events) as (
    select
        'created',
        accounts.user_body(jsonb_populate_record(null::accounts.users, jsonb_build_object(
            'id', :newId,
            'email', :email,
            'name', :name,
            'phone', :phone,
            'role', 'driver',
            'created_at', :now,
            'version', 1))),
        null::jsonb
)
select * from answer;
