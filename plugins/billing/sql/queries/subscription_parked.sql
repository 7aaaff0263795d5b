-- in: subscriptionId
-- out: ok
-- It was tried often enough: it stays as it is until somebody looks at it.
with parked as (
    update billing.subscription s
    set stuck = s.stuck || '{"parked": true}'
    where s.id = :subscriptionId
        and s.stuck is not null
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
