-- in: before, batch
-- out: ok, how many former states of connectors are gone
with old as materialized (
    select o.ctid as place
    from charging.connector_status o
    where o.received_at < :before
    order by o.received_at
    limit :batch
), gone as (
    delete from charging.connector_status o
    where o.ctid = any (array(
        select l.place
        from old l))
    returning 1
), answer (status, body, events) as (
    select 'ok', to_json(count(*)), null::jsonb
    from gone
)
select * from answer;
