-- in: nothing
-- out: ok; a row in vg.job for each station that is to be looked at again
with later as materialized (
    select dynamic_pricing.later('surge.decide', d.station_id::text, jsonb_build_object('stationId', d.station_id), :correlationId)
    from (
        select s.station_id
        from dynamic_pricing.station as s
        where s.next_at <= :now
        order by s.next_at
        limit 500) as d
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
    from (select count(*) from later) as one
)
select * from answer;
