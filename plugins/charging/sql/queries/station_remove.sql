-- in: stationId
-- out: ok
with gone as (
    update charging.connector
    set removed_at = :now
    where station_id = :stationId
        and removed_at is null
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
