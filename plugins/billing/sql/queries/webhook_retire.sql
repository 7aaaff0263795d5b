-- in: before, batch
-- out: ok, how many are gone
-- An event that came once is refused for as long as its signature would hold,
-- so what is kept for less than that is kept for two days.
with gone as (
    delete from billing.webhook w
    where w.id = any (array(
        select o.id
        from billing.webhook o
        where o.received_at < least(:before, now() - interval '2 days')
        order by o.received_at
        limit :batch))
    returning 1
), answer (status, body, events) as (
    select 'ok', to_json(count(*)), null::jsonb
    from gone
)
select * from answer;
