-- in: id, roles (one), companyId; bound: accessLifetime
-- out: ok, the user's roles; user.roles_changed.v1, identity.revoked.v1 by subject: tokens of the old role are void, sessions go on; of an admin who is none any more also both events of each key that ends with it
-- refuses: not_found, precondition_failed
with was as (
    select u.id, u.role
    from accounts.users as u
    where u.id = :id
    for update
), changed as (
    update accounts.users as u
    set role = :roles ->> 0,
        company_id = :companyId,
        version = u.version + 1
    from was as w
    where u.id = w.id
        and u.verified_at is not null
        and (:ifMatch is null or u.version = any (:ifMatch))
    returning u.id, u.role, u.company_id, u.version, w.role = 'admin' and u.role <> 'admin' as fell
), answer (status, body, events) as (
    select
        'ok',
        json_build_object(
            'userId', c.id,
            'roles', json_build_array(c.role),
            'companyId', c.company_id,
            'version', c.version),
        jsonb_build_array(
            jsonb_build_object(
                'type', 'user.roles_changed.v1',
                'aggregateId', c.id,
                'payload', jsonb_build_object(
                    'userId', c.id,
                    'roles', jsonb_build_array(c.role),
                    'companyId', c.company_id)),
            accounts.revoked(c.id::text, greatest(:now, clock_timestamp()),
                accounts.forgotten_at(:now, :accessLifetime)))
            || case when c.fell then accounts.keys_ended(c.id::text, :now, :accessLifetime) else '[]' end
    from changed as c
    union all
    select
        case
            when :ifMatch is not null and exists (
                select
                from accounts.users as u
                where u.id = :id
                    and u.verified_at is not null) then 'precondition_failed'
            else 'not_found'
        end, null, null
    where not exists (select from changed)
)
select * from answer;
