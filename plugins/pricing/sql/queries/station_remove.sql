-- in: stationId
-- out: ok
--
-- Its tariffs stay: sessions were priced by them.
with gone as (
    delete from pricing.station as s
    where s.station_id = :stationId
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
