-- in: nothing
-- out: ok; what has had its time is gone, a thousand of each at once; of guards, which strangers make two of with each login, 5000
with codes as (
    delete from accounts.code as c
    where c.id = any (array(
        select o.id
        from accounts.code as o
        where o.expires_at < :now
        order by o.expires_at
        limit 1000))
        and c.expires_at < :now
), waiting as (
    delete from accounts.users as u
    where u.id = any (array(
        select o.id
        from accounts.users as o
        where o.verified_at is null
            and o.created_at < :now - interval '1 day'
        order by o.created_at
        limit 1000))
        and u.verified_at is null
), expired as (
    delete from accounts.session as s
    where s.id = any (array(
        select o.id
        from accounts.session as o
        where o.expires_at < :now
        order by o.expires_at
        limit 1000))
        and s.expires_at < :now
), ended as (
    delete from accounts.session as s
    where s.id = any (array(
        select o.id
        from accounts.session as o
        where o.ended_at < :now - interval '1 day'
            and o.expires_at >= :now
        order by o.ended_at
        limit 1000))
), revocations as (
    delete from accounts.revocation as r
    where r.id = any (array(
        select o.id
        from accounts.revocation as o
        where o.until < :now
        order by o.until
        limit 1000))
        and r.until < :now
), guards as (
    delete from accounts.guard as g
    where (g.user_id, g.place) in (
        select o.user_id, o.place
        from accounts.guard as o
        where o.failed_at < :now - interval '1 day'
        order by o.failed_at
        limit 5000)
        and g.failed_at < :now - interval '1 day'
), places as (
    delete from accounts.known_place as k
    where (k.user_id, k.place) in (
        select o.user_id, o.place
        from accounts.known_place as o
        where o.at < :now - interval '90 days'
        order by o.at
        limit 1000)
        and k.at < :now - interval '90 days'
), postage as (
    delete from accounts.postage as p
    where p.email_key = any (array(
        select o.email_key
        from accounts.postage as o
        where o.since < :now - interval '1 hour'
        order by o.since
        limit 1000))
        and p.since < :now - interval '1 hour'
), mails as (
    delete from accounts.sandbox_mail as m
    where m.id = any (array(
        select o.id
        from accounts.sandbox_mail as o
        where o.at < :now - interval '1 day'
        order by o.at
        limit 1000))
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
