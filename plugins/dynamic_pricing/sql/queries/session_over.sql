-- in: sessionId, chargePointId, connectorNumber
-- out: ok: it has ended; with a row in vg.job where a price may follow
with told as materialized (
    select dynamic_pricing.session_told(:chargePointId, :connectorNumber::int, :sessionId, true, :correlationId)
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
    from (select count(*) from told) as one
)
select * from answer;
