-- in: plugins (who is to answer), erasureAgain, accessLifetime
-- out: ok; customer.erasure_requested.v1 of each round that begins; of one that nobody has to answer
--     any more what follows: identity.revoked.v1, then what ends it (erasure_note)
with answer (status, body, events) as (
    select 'ok', null::json, accounts.erasure_due(:plugins, :now,
        make_interval(secs => :erasureAgain), :accessLifetime)
)
select * from answer;
