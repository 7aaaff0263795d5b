-- in: stationId
-- out: ok; its rule goes with it
with gone as (
    delete from dynamic_pricing.station as s
    where s.station_id = :stationId
), without as (
    delete from dynamic_pricing.rule as r
    where r.station_id = :stationId
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
