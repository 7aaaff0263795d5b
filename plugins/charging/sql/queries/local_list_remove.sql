-- in: id
-- out: empty
-- refuses: not_found, precondition_failed
-- It is kept no longer; what the charge point holds stays there.
with found as (
    select l.charge_point_id
    from charging.local_list l
    where l.charge_point_id = :id
        and (:callerRole = 'admin'
            or :callerRole = 'operator' and charging.operator_of(:id) = nullif(:callerCompany, ''))
), gone as (
    delete from charging.local_list l
    using found f
    where l.charge_point_id = f.charge_point_id
        and (:ifMatch is null or l.version = any (:ifMatch))
    returning l.charge_point_id
), answer (status, body, events) as (
    select case
            when exists (select from gone) then 'empty'
            when :ifMatch is not null and exists (select from found) then 'precondition_failed'
            else 'not_found'
        end,
        null::json,
        null::jsonb
)
select * from answer;
