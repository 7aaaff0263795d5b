-- in: holdLook (seconds), holdPart, holdLast (per cent), rated ([{sessionId, costs}])
-- out: ok; charging.session.metered.v1
-- More is asked for at each look until it is there: also of who had no more the
-- last time. What cannot be raised is stopped when it is used up: once, as its
-- flag says. What nothing was held for, since it cost nothing, asks for a hold
-- as soon as it does.
with rated as materialized (
    select (r.value ->> 'sessionId')::uuid as id,
        r.value -> 'costs' as costs,
        (r.value #>> '{costs,total_cost,excl_vat}')::numeric as cost
    from jsonb_array_elements(:rated) r
), due as materialized (
    select s.id
    from charging.session s
    where s.status in ('ACTIVE', 'SUSPENDED')
        and s.hold_look_at <= :now
    order by s.hold_look_at
    limit 100
    for update skip locked
), looked as (
    update charging.session s
    set hold_look_at = :now + make_interval(secs => :holdLook),
        flags = charging.flag(s.flags, 'hold_used_up',
            s.hold_status = 'EXHAUSTED' and r.cost * 100 >= s.hold_net * :holdLast)
    from due d
    join charging.session o on o.id = d.id
    left join rated r on r.id = d.id
    where s.id = d.id
    returning s.id,
        s.hold_net > 0 and r.cost * 100 >= s.hold_net * :holdPart as told,
        s.hold_status = 'NONE' and r.cost > 0 as costs_now,
        'hold_used_up' = any (s.flags) and 'hold_used_up' <> all (o.flags) as used_up,
        r.costs,
        jsonb_build_object(
            'sessionId', s.id,
            'operatorId', s.operator_id,
            'customerId', s.customer_id,
            'companyId', s.company_id,
            'country', s.country,
            'timeZone', s.time_zone) as session
), asked as (
    insert into vg.job (plugin, kind, payload, correlation_id)
    select :vgPlugin, 'charging.stop', jsonb_build_object('sessionId', l.id), :correlationId
    from looked l
    where l.used_up
), begun as (
    insert into vg.job (plugin, kind, key, payload, correlation_id)
    select :vgPlugin, 'charging.hold', l.id::text, jsonb_build_object('sessionId', l.id), :correlationId
    from looked l
    where l.costs_now
    on conflict do nothing
), answer (status, body, events) as (
    select 'ok',
        null::json,
        (
            select jsonb_agg(jsonb_build_object(
                'type', 'charging.session.metered.v1',
                'aggregateId', l.id::text,
                'payload', l.session || jsonb_build_object('costs', l.costs, 'part', :holdPart)))
            from looked l
            where l.told)
)
select * from answer;
