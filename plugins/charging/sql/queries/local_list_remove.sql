-- in: id
-- out: empty
-- refuses: not_found
-- It is kept no longer; what the charge point holds stays there.
with gone as (
    delete from charging.local_list l
    where l.charge_point_id = :id
        and (:callerRole = 'admin'
            or :callerRole = 'operator' and charging.operator_of(:id) = nullif(:callerCompany, ''))
    returning l.charge_point_id
), answer (status, body, events) as (
    select case when exists (select from gone) then 'empty' else 'not_found' end, null::json, null::jsonb
)
select * from answer;
