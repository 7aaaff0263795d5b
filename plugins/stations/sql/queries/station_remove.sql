-- in: id
-- out: empty; event station.removed.v1
-- refuses: not_found, precondition_failed
--
-- Its charge points stay, pending, with their credentials.
with visible as (
    select s.id, s.operator_id, s.version
    from stations.station as s
    where s.id = :id
        and (:callerRole = 'admin' or s.operator_id = :callerCompany)
), target as (
    select v.id, v.operator_id
    from visible as v
    where :ifMatch is null or v.version = any (:ifMatch)
), connector as (
    delete from stations.connector as c
    using target as t
    where c.station_id = t.id
), left_behind as (
    update stations.charge_point as p
    set station_id = null,
        version = p.version + 1,
        updated_at = :now
    from target as t
    where p.station_id = t.id
), station as (
    delete from stations.station as s
    using target as t
    where s.id = t.id
    returning s.id, s.operator_id
), answer (status, body, events) as (
    select
        'empty',
        null::json,
        jsonb_build_array(jsonb_build_object(
            'type', 'station.removed.v1',
            'aggregateId', s.id,
            'payload', jsonb_build_object('stationId', s.id, 'operatorId', s.operator_id)))
    from station as s
    union all
    select case when exists (select from visible) then 'precondition_failed' else 'not_found' end, null, null
    where not exists (select from target)
)
select * from answer;
