-- in: customerId, status
-- out: ok
-- The vehicles of one that is to be erased are none any more.
with gone as (
    update reservations.vehicle as v
    set gone = true
    where v.customer_id = :customerId
        and :status <> 'ACTIVE'
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
