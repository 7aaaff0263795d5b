-- in: city
-- out: {items}: stations in the columns of an import, an operator's own; one
-- more than may be exported at once
select json_build_object('items', coalesce(json_agg(e.body order by e.id), '[]')) as body
from (
    select
        s.id,
        json_build_object(
            'name', s.name,
            'lat', s.lat,
            'lon', s.lon,
            'street', s.street,
            'city', s.city,
            'postalCode', s.postal_code,
            'country', s.country,
            'timeZone', s.time_zone,
            'operatorId', s.operator_id,
            'connectors', (
                select string_agg(
                    concat_ws(':', c.charge_point_id, c.number, c.type, c.power_type, c.max_power_kw),
                    ';' order by c.charge_point_id, c.number)
                from stations.connector as c
                where c.station_id = s.id)) as body
    from stations.station as s
    where (:callerRole <> 'operator' or s.operator_id = :callerCompany)
        and (:city is null or lower(s.city) = lower(:city))
    order by s.id
    limit 20001) as e;
