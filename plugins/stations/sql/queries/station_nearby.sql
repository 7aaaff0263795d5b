-- in: lat, lon, radius (km; null: 10), connectorType, minPowerKw, available
-- out: stations within the radius, nearest first, each with distanceKm
--
-- connectorType, minPowerKw and available must hold for one and the same
-- connector. A page goes on behind (distance in mm, id).
with far as (
    select
        point(:lon::float8, :lat::float8) as place,
        coalesce(:radius, 10)::float8 * 1000 as meters,
        case
            when :cursor ~ '^[0-9]{1,12}:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then split_part(:cursor, ':', 1)::bigint
        end as mm,
        case
            when :cursor ~ '^[0-9]{1,12}:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then split_part(:cursor, ':', 2)::uuid
        end as id
), near as (
    select s.id, d.mm
    from stations.around(:lat::float8, :lon::float8, coalesce(:radius, 10)::float8 * 1000) as a (area)
    join stations.station as s on s.place <@ a.area
    cross join far as f
    cross join lateral (
        select round(stations.distance(f.place, s.place) * 1000)::bigint as mm
    ) as d
    where d.mm <= f.meters * 1000
        and (:cursor is null or d.mm > f.mm or (d.mm = f.mm and s.id > f.id))
        and (coalesce(:connectorType, :minPowerKw::text) is null and :available is not true
            or stations.offers(s.id, :connectorType, :minPowerKw, :available))
    order by d.mm, s.id
    limit :limit
)
select
    ('{"distanceKm" : ' || round(n.mm / 1000000.0, 3) || ', ' || substr(s.body::text, 2))::json as body,
    n.mm || ':' || n.id as cursor
from near as n
join stations.station_json as s on s.id = n.id
order by n.mm, n.id;
