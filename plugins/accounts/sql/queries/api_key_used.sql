-- in: id
-- out: ok; noted at most once a minute
with used as (
    update accounts.api_key as k
    set used_at = :now
    where k.id = :id
        and (k.used_at is null or k.used_at < :now - interval '1 minute')
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
