-- in: stationId, connectorId, operatorId (one of them), baseVersionId
-- out: ok, with a row in vg.job where prices surge; what follows from our own surges is none of our news
with told as materialized (
    select dynamic_pricing.tariff_told(:stationId, :connectorId, :operatorId, :now, :correlationId)
    where :baseVersionId is null
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
    from (select count(*) from told) as one
)
select * from answer;
