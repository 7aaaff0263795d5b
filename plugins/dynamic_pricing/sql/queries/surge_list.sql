-- in: stationId (null: all)
-- out: the operator's stations, each with by how much its prices surge
select
    json_build_object(
        'stationId', s.station_id,
        'operatorId', s.operator_id,
        'ruleId', s.rule_id,
        'multiplier', coalesce(s.multiplier, 1),
        'step', s.step,
        'since', vg.z(s.stepped_at),
        'occupancyPercent', dynamic_pricing.share(s.station_id)) as body,
    s.station_id::text as cursor
from dynamic_pricing.station as s
where dynamic_pricing.owned(s.operator_id, :callerRole, :callerCompany)
    and (:stationId is null or s.station_id = :stationId)
    and (:cursor is null or s.station_id > vg.cursor_id(:cursor))
order by s.station_id
limit :limit;
