-- in: before, batch
-- out: ok, how many sessions' use is forgotten, also which cycle's energy it was
with taken as (
    delete from billing.allowance_use u
    where (u.session_id, u.subscription_id) = any (array(
        select (o.session_id, o.subscription_id)
        from billing.allowance_use o
        where o.ended_at < :before
        order by o.ended_at
        limit :batch))
), gone as (
    delete from billing.used u
    where u.session_id = any (array(
        select o.session_id
        from billing.used o
        where o.ended_at < :before
        order by o.ended_at
        limit :batch))
    returning 1
), answer (status, body, events) as (
    select 'ok', to_json(count(*)), null::jsonb
    from gone
)
select * from answer;
