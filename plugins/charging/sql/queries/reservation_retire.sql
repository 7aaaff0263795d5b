-- in: before, batch
-- out: ok, how many copies of reservations are gone that were not told to be over
with gone as (
    delete from charging.reservation r
    where r.reservation_id = any (array(
        select o.reservation_id
        from charging.reservation o
        where o.expires_at < :before
        order by o.expires_at
        limit :batch))
    returning 1
), answer (status, body, events) as (
    select 'ok', to_json(count(*)), null::jsonb
    from gone
)
select * from answer;
