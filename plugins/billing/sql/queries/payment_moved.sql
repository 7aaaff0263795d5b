-- in: intentId, purpose, status
-- out: ok; hold.changed.v1
with moved as materialized (
    select billing.hold_moved(:intentId, :status, :now, :correlationId) as event
    where :purpose = 'HOLD'
), answer (status, body, events) as (
    select 'ok', null::json, (select jsonb_agg(m.event) from moved m where m.event is not null)
)
select * from answer;
