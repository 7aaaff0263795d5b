-- in: intentId; reason (why the last try came to nothing)
-- out: ok
-- The job is given up, the intent is not: its provider is looked at before
-- anything else, and what is asked then has a key of its own.
with lost as (
    update billing.intent i
    set doubt = true,
        tries = i.tries + 1,
        pushed_at = :now,
        version = i.version + 1
    where i.id = :intentId
        and :reason is not null
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
