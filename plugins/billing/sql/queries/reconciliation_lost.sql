-- in: provider, date, run
-- out: ok; the export could not be had
with lost as (
    update billing.reconciliation r
    set status = 'FAILED',
        reason = :reason,
        ended_at = :now
    where r.provider = :provider
        and r.day = cast(:date as date)
        and r.run = :run
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
