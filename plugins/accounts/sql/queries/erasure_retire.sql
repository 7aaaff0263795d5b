-- in: before, batch
-- out: ok, how many reports of erasures that are long over are gone
with gone as (
    delete from accounts.erasure as e
    where e.id = any (array(
        select o.id
        from accounts.erasure as o
        where o.completed_at < :before
        order by o.completed_at
        limit :batch))
    returning 1
), answer (status, body, events) as (
    select 'ok', to_json(count(*)), null::jsonb
    from gone
)
select * from answer;
