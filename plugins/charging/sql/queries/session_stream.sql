-- in: id
-- out: {session, costing}: what a session shows at this moment, costing while
-- there is no final cost; what it depends on; whether it is over
select json_build_object(
        'session', charging.session_moment(s),
        'costing', case
            when s.status in ('ACTIVE', 'SUSPENDED', 'STOPPING')
            then (
                select c.body
                from charging.costing_json c
                where c.session_id = s.id)
        end) as body,
    concat_ws('.', s.version, (
        select (extract(epoch from max(m.received_at)) * 1000000)::bigint
        from charging.meter_value m
        where m.session_id = s.id)) as id,
    s.status in ('COMPLETED', 'FAILED') as over
from charging.session s
where s.id = :id
    and vg.visible(:callerRole, :callerId, :callerCompany, s.customer_id, s.operator_id, s.company_id);
