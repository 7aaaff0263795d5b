-- in: tariffId, connectorId (one of them, or none), start_date_time
-- out: always one row: the tariff in force when the session starts, and the
--      zone; null where there is none
with wanted as (
    select coalesce(
        pricing.in_force(:tariffId, :start_date_time),
        pricing.at_connector(:connectorId, :start_date_time)) as version_id
), place as (
    select s.time_zone
    from pricing.tariff_version as v
    join pricing.tariff as t on t.tariff_id = v.tariff_id
    left join pricing.connector as c
        on c.connector_id = :connectorId
        or (t.scope = 'connector' and c.connector_id::text = t.target_id)
    join pricing.station as s
        on s.station_id = c.station_id
        or (t.scope = 'station' and s.station_id::text = t.target_id)
    where v.tariff_version_id = (select w.version_id from wanted as w)
    limit 1
)
select json_build_object(
    'tariffVersionId', v.tariff_version_id,
    'tariff', v.tariff,
    'timeZone', (select p.time_zone from place as p)) as body
from wanted as w
left join pricing.tariff_version as v on v.tariff_version_id = w.version_id;
