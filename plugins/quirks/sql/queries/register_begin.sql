-- in: chargePoint, connectorId, transactionId (none yet), startedAt (none: now), shown (Wh)
-- out: ok
-- The same Start again is the same register.
with begun as (
    insert into quirks.register (charge_point_id, connector_number, started_at, transaction_id, shown_at, shown_wh, heard_at)
    select :chargePoint, coalesce(:connectorId, 0), m.at, :transactionId, m.at, :shown::numeric, :now
    from (
        select case when :startedAt <= :now + interval '10 minutes' then :startedAt else :now end as at) as m
    on conflict on constraint register_pkey do nothing
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
