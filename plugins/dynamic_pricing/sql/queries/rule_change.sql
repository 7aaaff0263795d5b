-- in: id, body, name, active, minMultiplier, maxMultiplier, minPricePerKwh, maxPricePerKwh, dimensions, occupancy,
--     timeOfUse, holdSeconds
-- out: ok, the rule; a row in vg.job for each station that it may bind
-- refuses: not_found, precondition_failed, rule_bounds
with target as (
    select r.id, :ifMatch is null or r.version = any (:ifMatch) as matched
    from dynamic_pricing.rule as r
    where r.id = :id
        and dynamic_pricing.owned(r.operator_id, :callerRole, :callerCompany)
), rule as (
    update dynamic_pricing.rule as r
    set name = coalesce(:name, r.name),
        active = coalesce(:active, r.active),
        min_multiplier = coalesce(:minMultiplier, r.min_multiplier),
        max_multiplier = coalesce(:maxMultiplier, r.max_multiplier),
        min_price_per_kwh = case when :body ? 'minPricePerKwh' then :minPricePerKwh else r.min_price_per_kwh end,
        max_price_per_kwh = case when :body ? 'maxPricePerKwh' then :maxPricePerKwh else r.max_price_per_kwh end,
        dimensions = coalesce(:dimensions, r.dimensions),
        occupancy = coalesce(:occupancy, r.occupancy),
        time_of_use = coalesce(:timeOfUse, r.time_of_use),
        hold_seconds = coalesce(:holdSeconds, r.hold_seconds),
        version = r.version + 1,
        updated_at = :now
    from target as t
    where r.id = t.id
        and t.matched
        and (:ifMatch is null or r.version = any (:ifMatch))
    returning r as row
), told as materialized (
    select dynamic_pricing.rule_told((r.row).operator_id, (r.row).station_id, :correlationId)
    from rule as r
), answer (status, body, events) as (
    select
        case
            when t.id is null then 'not_found'
            when r.row is null then 'precondition_failed'
            else 'ok'
        end,
        dynamic_pricing.rule_body(r.row),
        null::jsonb
    from (select count(*) from told) as one
    left join target as t on true
    left join rule as r on true
)
select * from answer;
