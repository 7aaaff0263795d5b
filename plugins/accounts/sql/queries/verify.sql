-- in: userId, code
-- out: ok, the user; user.registered.v1, and customer.created.v1 of a driver
-- refuses: code_invalid
with right_one as (
    select u.id, u.email_key
    from accounts.users as u
    where u.id = :userId
        and u.verified_at is null
        and accounts.code_tried(u.id, 'verify', :code, :now)
), verified as (
    update accounts.users as u
    set verified_at = :now,
        version = u.version + 1
    from right_one as r
    where u.id = r.id
        and not exists (
            select
            from accounts.users as o
            where o.email_key = r.email_key
                and o.verified_at is not null)
    returning u as row
), others as (
    delete from accounts.users as u
    using right_one as r
    where u.email_key = r.email_key
        and u.verified_at is null
        and u.id <> r.id
), customer as materialized (
    select accounts.customer_of_user((v.row).id::text, (v.row).name, :now) as event
    from verified as v
    where (v.row).role = 'driver'
), answer (status, body, events) as (
    select
        'ok',
        accounts.user_body(v.row),
        jsonb_build_array(jsonb_build_object(
            'type', 'user.registered.v1',
            'aggregateId', (v.row).id,
            'payload', jsonb_build_object('userId', (v.row).id)))
            || case when c.event is not null then jsonb_build_array(c.event) else '[]' end
    from verified as v
    left join customer as c on true
    union all
    select 'code_invalid', null, null
    where not exists (select from verified)
)
select * from answer;
