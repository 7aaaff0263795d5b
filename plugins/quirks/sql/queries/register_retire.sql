-- in: before, batch
-- out: ok, how many registers went, with their resets
with gone as (
    delete from quirks.register as r
    where (r.charge_point_id, r.connector_number, r.started_at) in (
        select o.charge_point_id, o.connector_number, o.started_at
        from quirks.register as o
        where o.heard_at < :before
        order by o.heard_at
        limit :batch)
    returning 1
), answer (status, body, events) as (
    select 'ok', to_json(count(*)), null::jsonb
    from gone
)
select * from answer;
