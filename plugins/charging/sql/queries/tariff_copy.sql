-- in: tariffVersionId, tariffId, connectorId, stationId, operatorId, tariff, currency, ownerId, validFrom
-- out: ok
-- A version never changes: told twice it is kept once.
with kept as (
    insert into charging.tariff (tariff_version_id, tariff_id, connector_id, station_id, operator_id,
        tariff, currency, owner_id, valid_from, starts_at, ends_at)
    select :tariffVersionId, coalesce(:tariffId, :tariff ->> 'id', ''), :connectorId,
        case when :connectorId is null then :stationId end,
        case when :connectorId is null and :stationId is null then :operatorId end,
        :tariff, coalesce(:currency, :tariff ->> 'currency'), :ownerId, coalesce(:validFrom, :eventTime),
        vg.instant(:tariff ->> 'start_date_time'), vg.instant(:tariff ->> 'end_date_time')
    on conflict (tariff_version_id) do nothing
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
