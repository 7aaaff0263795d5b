-- in: operatorId, city, connectorType, minPowerKw, status
-- out: stations, oldest first
--
-- connectorType and minPowerKw must hold for one and the same connector.
select s.body, s.id::text as cursor
from stations.station_json as s
where (:cursor is null or s.id > vg.cursor_id(:cursor))
    and (:operatorId is null or s.operator_id = :operatorId)
    and (:city is null or lower(s.city) = lower(:city))
    and (:status is null or s.status = :status)
    and (coalesce(:connectorType, :minPowerKw::text) is null or exists (
        select
        from stations.connector as c
        where c.station_id = s.id
            and (:connectorType is null or c.type = :connectorType)
            and (:minPowerKw is null or c.max_power_kw >= :minPowerKw)))
order by s.id
limit :limit;
