-- in: idTag
-- out: ok
with gone as (
    delete from reservations.id_tag
    where tag_key = lower(:idTag)
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
