-- in: accessLifetime
-- out: ok; customer.erasure_requested.v1 of each round that begins; an erasure that nobody has to answer ends
with answer (status, body, events) as (
    select 'ok', null::json, accounts.erasure_due(:now, :accessLifetime)
)
select * from answer;
