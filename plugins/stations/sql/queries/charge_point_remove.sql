-- in: id
-- out: empty
-- refuses: not_found, precondition_failed, charge_point_in_use
with target as (
    select
        p.id,
        :ifMatch is null or p.version = any (:ifMatch) as matched,
        exists (
            select
            from stations.connector as c
            where c.charge_point_id = p.id) as used
    from stations.charge_point as p
    where p.id = :id
        and (:callerRole = 'admin' or p.operator_id = :callerCompany)
), charge_point as (
    delete from stations.charge_point as p
    using target as t
    where p.id = t.id
        and t.matched
        and not t.used
    returning p.id
), answer (status, body, events) as (
    select 'empty', null::json, null::jsonb
    from charge_point
    union all
    select case when t.matched then 'charge_point_in_use' else 'precondition_failed' end, null, null
    from target as t
    where t.used or not t.matched
    union all
    select 'not_found', null, null
    where not exists (select from target)
)
select * from answer;
