-- in: id, body (name, phone, blocked); bound: accessLifetime
-- out: ok, the user; where one is blocked identity.revoked.v1 by subject and of each session, and both events of each key that ends with it
-- refuses: not_found, precondition_failed
with changed as (
    update accounts.users as u
    set name = coalesce(:name, u.name),
        phone = case when :body ? 'phone' then :phone else u.phone end,
        blocked_at = case
            when :blocked then coalesce(u.blocked_at, :now)
            when not :blocked then null
            else u.blocked_at
        end,
        version = u.version + 1
    where u.id = :id
        and (:ifMatch is null or u.version = any (:ifMatch))
    returning u as row
), answer (status, body, events) as (
    select
        'ok',
        accounts.user_body(c.row),
        case
            when :blocked then accounts.sessions_ended((c.row).id, null, :now, :accessLifetime)
                || accounts.revoked((c.row).id::text, greatest(:now, clock_timestamp()),
                    accounts.forgotten_at(:now, :accessLifetime))
                || accounts.keys_ended((c.row).id::text, :now, :accessLifetime)
        end
    from changed as c
    union all
    select
        case
            when :ifMatch is not null and exists (
                select
                from accounts.users as u
                where u.id = :id) then 'precondition_failed'
            else 'not_found'
        end, null, null
    where not exists (select from changed)
)
select * from answer;
