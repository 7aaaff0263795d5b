-- in: before, batch
-- out: ok, how many removed methods are gone
-- One that a payment under way names stays until that is over.
with gone as (
    delete from billing.method m
    where m.id = any (array(
        select o.id
        from billing.method o
        where o.removed_at < :before
            and not exists (
                select
                from billing.intent i
                where i.method_id = o.id
                    and i.status in ('PENDING', 'AUTHORISED'))
        order by o.removed_at
        limit :batch))
    returning 1
), answer (status, body, events) as (
    select 'ok', to_json(count(*)), null::jsonb
    from gone
)
select * from answer;
