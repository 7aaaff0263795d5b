-- in: id
-- out: empty; a row in vg.job for each station that it may have bound
-- refuses: not_found, precondition_failed
with target as (
    select r.id
    from dynamic_pricing.rule as r
    where r.id = :id
        and dynamic_pricing.owned(r.operator_id, :callerRole, :callerCompany)
), rule as (
    delete from dynamic_pricing.rule as r
    using target as t
    where r.id = t.id
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
            else 'empty'
        end,
        null::json,
        null::jsonb
    from (select count(*) from told) as one
    left join target as t on true
    left join rule as r on true
)
select * from answer;
