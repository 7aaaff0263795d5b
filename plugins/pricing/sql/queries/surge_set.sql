-- in: stationId, number, multiplier, until, dimensions, minPricePerKwh, maxPricePerKwh
-- out: ok, until when that holds (null: nothing was to be done); pricing.updated.v1 of each tariff that has a new version
with made as materialized (
    select pricing.surge(:stationId, :number, :multiplier, :until, :dimensions,
        :minPricePerKwh, :maxPricePerKwh, :now) as told
), answer (status, body, events) as (
    select 'ok', json_build_object('until', m.told ->> 'until'), nullif(m.told -> 'events', 'null')
    from made as m
)
select * from answer;
