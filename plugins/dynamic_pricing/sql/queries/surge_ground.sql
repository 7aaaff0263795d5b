-- in: stationId
-- out: what a step is chosen by; no row: the station is gone
select json_build_object(
    'revision', s.revision,
    'occupancy', coalesce(r.occupancy, '[]'),
    'percent', dynamic_pricing.share(s.station_id),
    'step', case when r.id = s.rule_id then s.step else 0 end,
    'heldSeconds', case when r.id = s.rule_id then floor(extract(epoch from :now - s.stepped_at)) end,
    'holdSeconds', coalesce(r.hold_seconds, 0)) as body
from dynamic_pricing.station as s
cross join lateral dynamic_pricing.rule_at(s) as r
where s.station_id = :stationId;
