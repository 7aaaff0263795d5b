-- in: before, batch
-- out: ok, how many sessions' use is forgotten
with gone as (
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
