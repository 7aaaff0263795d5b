-- in: before, batch
-- out: ok, how many settled messages are gone
with gone as (
    delete from charging.quarantine q
    where q.id = any (array(
        select o.id
        from charging.quarantine o
        where o.id < vg.uuid7_floor(:before)
            and o.resolved_at < :before
        order by o.id
        limit :batch))
    returning 1
), answer (status, body, events) as (
    select 'ok', to_json(count(*)), null::jsonb
    from gone
)
select * from answer;
