-- in: before, batch
-- out: ok, how many incidents that are over went
with gone as (
    delete from notifications.incident as i
    where i.id = any (array(
        select o.id
        from notifications.incident as o
        where o.status = 'RESOLVED'
            and o.resolved_at < :before
        order by o.resolved_at
        limit :batch))
    returning 1
), answer (status, body, events) as (
    select 'ok', to_json(count(*)), null::jsonb
    from gone
)
select * from answer;
