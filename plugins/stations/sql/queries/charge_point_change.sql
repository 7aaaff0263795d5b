-- in: id, body, stationId, securityProfile, salt, hash (null: the password stays)
-- out: ok, the charge point
-- refuses: not_found, precondition_failed, station_unknown, charge_point_in_use
--
-- A charge point whose connectors a station lists is moved by changing that
-- list, so that the station's event tells of it.
with target as (
    select
        p.id,
        p.operator_id,
        case when :body ? 'stationId' then :stationId else p.station_id end as place,
        :ifMatch is null or p.version = any (:ifMatch) as matched,
        :body ? 'stationId' and :stationId is distinct from p.station_id as moved
    from stations.charge_point as p
    where p.id = :id
        and (:callerRole = 'admin' or p.operator_id = :callerCompany)
), refusal as (
    select
        case
            when not t.matched then 'precondition_failed'
            when t.moved and t.place is not null and not exists (
                select
                from stations.station as s
                where s.id = t.place
                    and s.operator_id = t.operator_id) then 'station_unknown'
            when t.moved and exists (
                select
                from stations.connector as c
                where c.charge_point_id = t.id) then 'charge_point_in_use'
        end as name
    from target as t
), charge_point as (
    update stations.charge_point as p
    set station_id = t.place,
        salt = coalesce(:salt, p.salt),
        hash = coalesce(:hash, p.hash),
        security_profile = coalesce(:securityProfile, p.security_profile),
        version = p.version + 1,
        updated_at = :now
    from target as t
    cross join refusal as r
    where p.id = t.id
        and r.name is null
    returning p as row
), answer (status, body, events) as (
    select 'ok', stations.charge_point_body(p.row, l), null::jsonb
    from charge_point as p
    left join stations.link as l on l.charge_point_id = (p.row).id
    union all
    select coalesce((select r.name from refusal as r), 'not_found'), null, null
    where not exists (select from charge_point)
)
select * from answer;
