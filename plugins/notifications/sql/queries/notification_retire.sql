-- in: before, batch
-- out: ok, how many notifications went, each with its tries
with old as materialized (
    select n.id
    from notifications.notification as n
    where n.created_at < :before
    order by n.created_at
    limit :batch
), tried as (
    delete from notifications.attempt as a
    where a.of_id = any (array(select o.id from old as o))
), gone as (
    delete from notifications.notification as n
    where n.id = any (array(select o.id from old as o))
    returning 1
), answer (status, body, events) as (
    select 'ok', to_json(count(*)), null::jsonb
    from gone
)
select * from answer;
