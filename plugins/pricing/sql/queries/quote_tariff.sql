-- in: tariffId, connectorId (one of them, or none), start_date_time
-- out: always one row: the tariff in force when the session starts, and the
--      zone; null where there is none
with wanted as (
    select coalesce(
        pricing.in_force(:tariffId, :start_date_time),
        pricing.at_connector(:connectorId, :start_date_time)) as version_id
), place as (
    select s.time_zone
    from pricing.station as s
    where s.station_id = coalesce(
        pricing.station_of('connector', :connectorId::text),
        (
            select pricing.station_of(t.scope, t.target_id)
            from pricing.tariff as t
            where t.tariff_id = :tariffId))
)
select json_build_object(
    'tariffVersionId', v.tariff_version_id,
    'tariff', v.tariff,
    'timeZone', (select p.time_zone from place as p)) as body
from wanted as w
left join pricing.tariff_version as v on v.tariff_version_id = w.version_id;
