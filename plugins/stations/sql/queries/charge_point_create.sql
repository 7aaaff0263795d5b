-- in: id, owner (of the caller; null for an admin who gave none), stationId, salt, hash, securityProfile
-- out: created, the charge point
-- refuses: operator_missing, station_unknown, charge_point_exists
--
-- One that a station brought with it has no credentials yet; this call then
-- gives them. One that has credentials exists, whoever it belongs to.
with place as (
    select s.id, s.operator_id
    from stations.station as s
    where s.id = :stationId
        and (:owner is null or s.operator_id = :owner)
), decision as (
    select
        coalesce(:owner, (select s.operator_id from place as s), (
            select p.operator_id
            from stations.charge_point as p
            where p.id = :id
                and p.hash is null)) as operator_id,
        (:stationId is null or exists (select from place)) as placed
), charge_point as (
    insert into stations.charge_point as p (
        id, operator_id, station_id, salt, hash, security_profile, created_at, updated_at)
    select :id, d.operator_id, :stationId, :salt, :hash, coalesce(:securityProfile, 2), :now, :now
    from decision as d
    where d.placed
        and d.operator_id is not null
        and (:callerRole = 'admin' or d.operator_id = :callerCompany)
    on conflict (id) do update
    set station_id = coalesce(p.station_id, excluded.station_id),
        salt = excluded.salt,
        hash = excluded.hash,
        security_profile = excluded.security_profile,
        version = p.version + 1,
        updated_at = excluded.updated_at
    where p.hash is null
        and p.operator_id = excluded.operator_id
        and (p.station_id is null
            or excluded.station_id is null
            or p.station_id = excluded.station_id)
    returning p as row
), answer (status, body, events) as (
    select 'created', stations.charge_point_body(p.row, l), null::jsonb
    from charge_point as p
    left join stations.link as l on l.charge_point_id = (p.row).id
    union all
    select
        case
            when not d.placed then 'station_unknown'
            when d.operator_id is null then 'operator_missing'
            else 'charge_point_exists'
        end,
        null,
        null
    from decision as d
    where not exists (select from charge_point)
)
select * from answer;
