-- in: stationId, number, until (what was asked for); bound: endsAt (when the first version ends; null: none was made)
-- out: ok; one that ends before what was asked for is asked for again
with told as (
    update dynamic_pricing.station as s
    set cut_at = :endsAt,
        next_at = least(s.next_at, :endsAt)
    where s.station_id = :stationId
        and s.number = :number
        and :endsAt < :until
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
