-- in: before, batch
-- out: ok, how many reservations are gone that were made so long ago, and are over
with gone as (
    delete from reservations.reservation r
    where r.id = any (array(
        select o.id
        from reservations.reservation o
        where o.id < vg.uuid7_floor(:before)
            and o.status in ('COMPLETED', 'CANCELLED', 'EXPIRED')
        order by o.id
        limit :batch))
    returning 1
), answer (status, body, events) as (
    select 'ok', to_json(count(*)), null::jsonb
    from gone
)
select * from answer;
