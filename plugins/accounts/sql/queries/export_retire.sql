-- in: before, batch
-- out: ok, how many exports are gone, complete or not
with gone as (
    delete from accounts.export as e
    where e.id = any (array(
        select o.id
        from accounts.export as o
        where o.id < vg.uuid7_floor(:before)
        order by o.id
        limit least(:batch, 50)))
    returning 1
), answer (status, body, events) as (
    select 'ok', to_json(count(*)), null::jsonb
    from gone
)
select * from answer;
