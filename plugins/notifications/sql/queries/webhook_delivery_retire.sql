-- in: before, batch
-- out: ok, how many deliveries went, each with its tries
with old as materialized (
    select d.id
    from notifications.webhook_delivery as d
    where d.created_at < :before
    order by d.created_at
    limit :batch
), tried as (
    delete from notifications.attempt as a
    where a.of_id = any (array(select o.id from old as o))
), gone as (
    delete from notifications.webhook_delivery as d
    where d.id = any (array(select o.id from old as o))
    returning 1
), answer (status, body, events) as (
    select 'ok', to_json(count(*)), null::jsonb
    from gone
)
select * from answer;
