-- in: before, batch
-- out: ok, how many sessions are gone that were over so long ago
with gone as (
    delete from charging.session s
    where s.id = any (array(
        select o.id
        from charging.session o
        where o.id < vg.uuid7_floor(:before)
            and o.status in ('COMPLETED', 'FAILED')
        order by o.id
        limit :batch))
    returning 1
), answer (status, body, events) as (
    select 'ok', to_json(count(*)), null::jsonb
    from gone
)
select * from answer;
