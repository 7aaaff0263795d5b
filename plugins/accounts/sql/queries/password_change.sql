-- in: row; :outcome says whether the old one matches, and the new one's hash; bound: address, session, attempts, attemptsAnywhere, accessLifetime
-- out: empty; identity.revoked.v1 of each other session
-- refuses: password_wrong
--
-- Guessing here is guessing at the login, and waits as there. Another change
-- that came meanwhile has the word.
with entry as (
    select u.id,
        coalesce((:outcome ->> 'match')::boolean, false)
            and u.password = :row ->> 'password'
            and not accounts.guarded(u.id, accounts.place(:address), :now) as allowed
    from accounts.users as u
    where u.id = vg.cursor_id(:callerId)
), changed as (
    update accounts.users as u
    set password = :outcome ->> 'hash',
        version = u.version + 1
    from entry as e
    where e.allowed
        and u.id = e.id
    returning u.id
), answer (status, body, events) as (
    select 'empty', null::json, accounts.sessions_ended(c.id, :session, :now, :accessLifetime)
    from changed as c
    union all
    select 'password_wrong', null, (
        select jsonb_agg(f.event)
        from entry as e,
            accounts.guard_failed(e.id, accounts.place(:address), :now, :attempts, :attemptsAnywhere) as f (event)
        where f.event is not null)
    where not exists (select from changed)
)
select * from answer;
