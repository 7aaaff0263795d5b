-- in: nothing
-- out: ok; notifications has it
with answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
