-- in: stationId, operatorId (null: all)
-- out: the operator's rules, oldest first
select dynamic_pricing.rule_body(r) as body, r.id::text as cursor
from dynamic_pricing.rule as r
where dynamic_pricing.owned(r.operator_id, :callerRole, :callerCompany)
    and (:stationId is null or r.station_id = :stationId)
    and (:operatorId is null or r.operator_id = :operatorId::text)
    and (:cursor is null or r.id > vg.cursor_id(:cursor))
order by r.id
limit :limit;
