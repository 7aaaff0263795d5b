-- in: lifetime (an interval; NULL: credit does not lapse)
-- out: ok, how many payers' credit was looked at
with old as materialized (
    select a.id
    from billing.account a
    where a.lot_at < :now - (:lifetime)::interval
    order by a.lot_at
    limit 100
), lapsed as materialized (
    select billing.credit_lapse(o.id, :now - (:lifetime)::interval, :now, :correlationId) as amount
    from old o
), answer (status, body, events) as (
    select 'ok', to_json(count(l.amount)), null::jsonb
    from lapsed l
)
select * from answer;
