-- in: resetId, code; :outcome is the new password's hash; bound: accessLifetime
-- out: empty; identity.revoked.v1 of each session
-- refuses: code_invalid
with right_one as (
    select u.id
    from accounts.users as u
    join accounts.code as c on c.user_id = u.id
    where c.id = :resetId
        and c.purpose = 'reset'
        and u.verified_at is not null
        and accounts.code_tried(c.id, 'reset', upper(:code), :now)
), changed as (
    update accounts.users as u
    set password = :outcome ->> 'hash',
        version = u.version + 1
    from right_one as r
    where u.id = r.id
    returning u.id
), used as (
    -- all others that were asked for, too, by whomever
    delete from accounts.code as c
    using right_one as r
    where c.user_id = r.id
        and c.id <> :resetId
), forgiven as (
    delete from accounts.guard as g
    using right_one as r
    where g.user_id = r.id
), answer (status, body, events) as (
    select 'empty', null::json, accounts.sessions_ended(c.id, null, :now, :accessLifetime)
    from changed as c
    union all
    select 'code_invalid', null, null
    where not exists (select from changed)
)
select * from answer;
