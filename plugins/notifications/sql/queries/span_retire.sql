-- in: before, batch
-- out: ok, how many windows went
with gone as (
    delete from notifications.span as s
    where (s.rule_id, s.key, s.begins) in (
        select o.rule_id, o.key, o.begins
        from notifications.span as o
        where o.last_at < :before
        order by o.last_at
        limit :batch)
    returning 1
), answer (status, body, events) as (
    select 'ok', to_json(count(*)), null::jsonb
    from gone
)
select * from answer;
