-- in: stationId, operatorId, timeZone, connectors
-- out: ok, with a row in vg.job where a price may follow
with told as materialized (
    select dynamic_pricing.station_told(:stationId, :operatorId, :timeZone, :connectors, :correlationId)
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
    from (select count(*) from told) as one
)
select * from answer;
