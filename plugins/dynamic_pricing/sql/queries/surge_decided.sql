-- in: stationId; bound: revision, step, wait (s), lease (s)
-- out: ok; what pricing is to be told is a row in vg.job
with decided as materialized (
    select dynamic_pricing.decided(:stationId, :revision, :step::int, :wait::int, :now, make_interval(secs => :lease),
        :correlationId)
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
    from (select count(*) from decided) as one
)
select * from answer;
