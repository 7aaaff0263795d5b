-- in: dunning
-- out: ok
-- What is on a company's account and was not paid when it was due.
with swept as materialized (
    select billing.overdue_sweep(:dunning, 500, :now, :correlationId) as told
), answer (status, body, events) as (
    select 'ok', null::json, nullif(s.told, '[]')
    from swept s
)
select * from answer;
