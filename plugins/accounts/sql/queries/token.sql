-- in: grant_type, username, row; :outcome says whether the password matches; bound: handle, shown, next, seed, granted (scope), address, attempts, attemptsAnywhere, accessLifetime, refreshLifetime, refreshGrace
-- out: ok, of what the access token is made
-- refuses: invalid_grant, invalid_client
--
-- What is shown again within the grace is the call of a client that lost its
-- answer, as long as nobody went on from there: it gets the same answer. Else
-- two have the token, and one of them is a thief: the family ends.
with client as (
    select accounts.network_has(:row #> '{client,networks}', :address) as here
    where :row -> 'client' <> 'null'
), entry as (
    select u.id, u.role, u.company_id,
        coalesce((:outcome ->> 'match')::boolean, false)
            and u.password = :row #>> '{user,password}'
            and u.blocked_at is null
            and not accounts.guarded(u.id, accounts.place(:address), :now) as allowed
    from accounts.users as u
    where :grant_type = 'password'
        and u.id = (:row #>> '{user,id}')::uuid
), begun as (
    insert into accounts.session as s (
        id, user_id, handle, token, seed, rotated_at, scope, place, client_id, created_at, expires_at)
    select :newId, e.id, :handle, :next, :seed, :now, :granted, accounts.place(:address),
        (:row #>> '{client,id}')::uuid, :now, :now + make_interval(secs => :refreshLifetime)
    from entry as e
    where e.allowed
        and not exists (select from client as c where not c.here)
    returning s.id, s.user_id, s.scope
), known as (
    insert into accounts.known_place as k (user_id, place, at)
    select b.user_id, accounts.place(:address), :now
    from begun as b
    on conflict (user_id, place) do update
    set at = excluded.at
    where k.at < excluded.at - interval '1 day'
), forgiven as (
    delete from accounts.guard as g
    using entry as e
    where e.allowed
        and g.user_id = e.id
        and g.place = accounts.place(:address)
), shown as (
    select s.id, s.user_id,
        case
            when s.ended_at is not null or s.expires_at <= :now then 'over'
            when u.blocked_at is not null then 'over'
            when s.token = :shown then 'next'
            when s.last_token = :shown
                and s.token = :next
                and :refreshGrace > 0
                and s.rotated_at > :now - make_interval(secs => :refreshGrace) then 'again'
            else 'reused'
        end as how
    from accounts.session as s
    join accounts.users as u on u.id = s.user_id
    where :grant_type = 'refresh_token'
        and s.id = (:row #>> '{session,id}')::uuid
        -- RFC 6749, 6: a client's is another's not to show, nor to end
        and (s.client_id is null or s.client_id::text = :row #>> '{client,id}')
        and not exists (select from client as c where not c.here)
), rotated as (
    update accounts.session as s
    set token = :next,
        seed = :seed,
        last_token = s.token,
        last_seed = s.seed,
        rotated_at = :now,
        expires_at = :now + make_interval(secs => :refreshLifetime)
    from shown as o
    where o.how = 'next'
        and s.id = o.id
), ended as (
    update accounts.session as s
    set ended_at = :now
    from shown as o
    where o.how = 'reused'
        and s.id = o.id
    returning s.id
), granted as (
    select b.id, b.user_id
    from begun as b
    union all
    select o.id, o.user_id
    from shown as o
    where o.how in ('next', 'again')
), answer (status, body, events) as (
    select
        'ok',
        json_build_object('subject', u.id, 'role', u.role, 'company', u.company_id, 'session', g.id),
        null::jsonb
    from granted as g
    join accounts.users as u on u.id = g.user_id
    union all
    select
        'ok',
        json_build_object(
            'subject', :row #>> '{client,id}',
            'role', :row #>> '{client,role}',
            'company', :row #>> '{client,companyId}',
            'session', :row #>> '{client,id}',
            'secondsLeft', :row #> '{client,secondsLeft}'),
        null
    from client as c
    where :grant_type = 'client_credentials'
        and c.here
    union all
    select
        case when exists (select from client as c where not c.here) then 'invalid_client' else 'invalid_grant' end,
        null,
        (
            select jsonb_agg(t.event)
            from (
                select accounts.guard_failed(e.id, accounts.place(:address), :now, :attempts, :attemptsAnywhere) as event
                from entry as e
                where not e.allowed
                union all
                select accounts.guard_failed_nobody(accounts.email_key(:username), accounts.place(:address), :now, :attempts,
                    :attemptsAnywhere)
                where :grant_type = 'password'
                    and not exists (select from entry)
                union all
                select accounts.revoked(d.id::text, accounts.forgotten_at(:now, :accessLifetime),
                    accounts.forgotten_at(:now, :accessLifetime))
                from ended as d) as t
            where t.event is not null)
    where not exists (select from granted)
        and (:grant_type <> 'client_credentials' or exists (select from client as c where not c.here))
)
select * from answer;
