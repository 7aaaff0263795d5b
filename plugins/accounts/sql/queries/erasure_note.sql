-- in: erasureId, plugin, round, status, erased, kept, open, erasureAgain, accessLifetime
-- out: ok; the last answer of a round that found nothing: identity.revoked.v1; of one more like it, which ends it:
--     customer.updated.v1, vehicle.removed.v1, both events of each key that ends with it
with answer (status, body, events) as (
    select 'ok', null::json, accounts.erasure_answered(:erasureId, :plugin, :round, :status, :erased, :kept, :open,
        :now, make_interval(secs => :erasureAgain), :accessLifetime)
)
select * from answer;
