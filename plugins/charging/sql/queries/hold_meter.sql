-- in: nothing
-- out: [{sessionId, costing}]: sessions whose cost so far is due to be looked at: with a hold, or where a price may come
select coalesce(json_agg(json_build_object('sessionId', d.id, 'costing', c.body)), '[]') as body
from (
    select s.id
    from charging.session s
    where s.status in ('ACTIVE', 'SUSPENDED')
        and s.hold_look_at <= :now
    order by s.hold_look_at
    limit 100) d
join charging.costing_json c on c.session_id = d.id;
