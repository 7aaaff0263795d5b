-- in: stationId, operatorId (one of them), name, active, minMultiplier, maxMultiplier, minPricePerKwh, maxPricePerKwh,
--     dimensions, occupancy, timeOfUse, holdSeconds
-- out: created, the rule; a row in vg.job for each station that it may bind
-- refuses: station_unknown, forbidden, rule_exists, rule_bounds
with target as (
    select coalesce(:operatorId::text, (
        select s.operator_id
        from dynamic_pricing.station as s
        where s.station_id = :stationId)) as operator_id
), judged as (
    select
        t.operator_id,
        case
            when t.operator_id is null then 'station_unknown'
            when dynamic_pricing.owned(t.operator_id, :callerRole, :callerCompany) then 'created'
            else 'forbidden'
        end as verdict
    from target as t
), rule as (
    insert into dynamic_pricing.rule as r (
        id, operator_id, station_id, name, active, min_multiplier, max_multiplier, min_price_per_kwh,
        max_price_per_kwh, dimensions, occupancy, time_of_use, hold_seconds, created_at, updated_at)
    select
        :newId, j.operator_id, :stationId, coalesce(:name, ''), coalesce(:active, true), :minMultiplier, :maxMultiplier,
        :minPricePerKwh, :maxPricePerKwh, coalesce(:dimensions, '["ENERGY"]'), coalesce(:occupancy, '[]'),
        coalesce(:timeOfUse, '[]'), coalesce(:holdSeconds, 600), :now, :now
    from judged as j
    where j.verdict = 'created'
    returning r as row
), told as materialized (
    select dynamic_pricing.rule_told((r.row).operator_id, (r.row).station_id, :correlationId)
    from rule as r
), answer (status, body, events) as (
    select j.verdict, dynamic_pricing.rule_body(r.row), null::jsonb
    from judged as j
    left join rule as r on true
    cross join (select count(*) from told) as one
)
select * from answer;
