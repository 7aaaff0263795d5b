-- What is near: boxes that an index serves, then the distance itself. All of
-- it is double precision: a distance is neither money nor energy.


-- distance(a, b): meters on a sphere of the Earth's mean radius, by haversine.
create function stations.distance(a point, b point) returns float8
language sql immutable parallel safe
return 2 * 6371008.8 * asin(least(1, sqrt(
    sind((b[1] - a[1]) / 2) ^ 2
    + cosd(a[1]) * cosd(b[1]) * sind((b[0] - a[0]) / 2) ^ 2)));


-- offers(station, type, power, free): is there a connector that is all of it?
-- plpgsql, which is not inlined: the plan for any arguments looks no dearer
-- than one for these, and is kept (measured: planning was half of the time).
create function stations.offers(wanted uuid, wanted_type text, power numeric, free boolean) returns boolean
language plpgsql stable parallel safe as $$
begin
    return exists (
        select
        from stations.connector as c
        left join stations.connector_status as t
            on t.charge_point_id = c.charge_point_id
            and t.number = c.number
        where c.station_id = wanted
            and (wanted_type is null or c.type = wanted_type)
            and (power is null or c.max_power_kw >= power)
            and (free is not true or t.status = 'Available'));
end
$$;


-- around(lat, lon, meters): boxes of degrees that hold all that is so near: one,
-- or two where the date line is between. Where a pole is within, all
-- longitudes are.
create function stations.around(lat float8, lon float8, meters float8) returns setof box
language sql immutable parallel safe rows 1
begin atomic
    with half as (
        -- a little more than half of the box, in degrees; a pole has no width
        select
            degrees(meters / 6371008.8) + 1e-6 as north,
            case
                when abs(lat) + degrees(meters / 6371008.8) >= 89.9999 then 180
                else asind(least(1, sin(meters / 6371008.8) / cosd(lat))) + 1e-6
            end as east
    )
    select box(point(c.east - h.east, lat - h.north), point(c.east + h.east, lat + h.north))
    from half as h
    cross join (
        values (0), (-360), (360)
    ) as d (turn)
    cross join lateral (
        select case when h.east < 180 then lon + d.turn else 0 end as east
    ) as c
    where c.east - h.east <= 180
        and c.east + h.east >= -180
        and (h.east < 180 or d.turn = 0);
end;
