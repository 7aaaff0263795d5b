-- in: before, batch
-- out: ok, how many drafts are gone that nobody issued
with gone as (
    delete from billing.draft d
    where d.id = any (array(
        select o.id
        from billing.draft o
        where o.created_at < :before
        limit :batch))
    returning 1
), answer (status, body, events) as (
    select 'ok', to_json(count(*)), null::jsonb
    from gone
)
select * from answer;
