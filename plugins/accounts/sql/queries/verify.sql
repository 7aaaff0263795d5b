-- in: userId, code
-- out: ok, the user, who is a customer from now on; user.registered.v1, customer.created.v1
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
), answer (status, body, events) as (
    select
        'ok',
        accounts.user_body(v.row),
        jsonb_build_array(jsonb_build_object(
            'type', 'user.registered.v1',
            'aggregateId', (v.row).id,
            'payload', jsonb_build_object('userId', (v.row).id)))
            || coalesce(accounts.customer_of_user((v.row).id::text, (v.row).name, :now), '[]')
    from verified as v
    union all
    select 'code_invalid', null, null
    where not exists (select from verified)
)
select * from answer;
