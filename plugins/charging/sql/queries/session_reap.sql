-- in: silenceDeadline
-- out: ok; tells charging.transaction.stopped.v1
-- Stops the sessions of which nothing was heard for so many seconds, as of
-- the last that was measured: its register, its moment. What was heard since
-- the last look is noted, so that a session is looked at once in that time.
-- A minute without this timer is a gap in which nobody may have listened.
with watched as (
    update charging.watch w
    set since = case when w.seen_at < :now - interval '60 seconds' then :now else w.since end,
        seen_at = :now
    returning w.since
), due as (
    select s.id,
        s.charge_point_id,
        s.connector_number,
        s.start_received_at,
        s.superseded_at
    from charging.session s
    where s.status in ('ACTIVE', 'SUSPENDED')
        and coalesce(s.heard_at, s.start_received_at) <= :now - make_interval(secs => :silenceDeadline)
        and (select w.since from watched w) <= :now - make_interval(secs => :silenceDeadline)
    order by coalesce(s.heard_at, s.start_received_at)
    limit 200
    for update skip locked
), heard as (
    select d.id,
        greatest(
            d.start_received_at,
            (
                select max(m.received_at)
                from charging.meter_value m
                where m.session_id = d.id),
            (
                select max(o.received_at)
                from charging.connector_status o
                where o.charge_point_id = d.charge_point_id
                    and o.connector_number = d.connector_number
                    and o.received_at < coalesce(d.superseded_at, 'infinity'))) as at
    from due d
), noted as (
    update charging.session s
    set heard_at = h.at
    from heard h
    where s.id = h.id
        and h.at > :now - make_interval(secs => :silenceDeadline)
), measured as (
    select s.id,
        m.energy_wh,
        m.received_at,
        case s.started_at
            when s.start_charger_at then charging.billed_at(m.at, m.received_at, s.started_at)
            else m.received_at
        end as at
    from heard h
    join charging.session s on s.id = h.id
    join charging.meter_value m on m.session_id = s.id
    where h.at <= :now - make_interval(secs => :silenceDeadline)
), last as (
    select h.id,
        (
            select max(m.at)
            from measured m
            where m.id = h.id) as at,
        (
            select floor(m.energy_wh)::bigint
            from measured m
            where m.id = h.id
                and m.energy_wh is not null
            order by m.at desc, m.received_at desc
            limit 1) as meter_wh
    from heard h
    where h.at <= :now - make_interval(secs => :silenceDeadline)
), reaped as (
    update charging.session s
    set status = 'STOPPING',
        reaped_at = :now,
        stop_deadline = null,
        meter_stop_wh = coalesce(l.meter_wh, s.meter_start_wh),
        stop_received_at = :now,
        stopped_at = greatest(s.started_at, case when l.at is not null then least(l.at, :now) end),
        stop_reason = 'Other',
        failure = null,
        flags = charging.flag(charging.flag(s.flags,
            'stop_derived', true),
            'meter_backwards', l.meter_wh < s.meter_start_wh),
        version = s.version + 1
    from last l
    where s.id = l.id
    returning s.id,
        s.operator_id,
        s.customer_id,
        s.company_id
), answer (status, body, events) as (
    select 'ok',
        null::json,
        (
            select jsonb_agg(jsonb_build_object(
                'type', 'charging.transaction.stopped.v1',
                'aggregateId', r.id::text,
                'payload', jsonb_build_object(
                    'sessionId', r.id,
                    'operatorId', r.operator_id,
                    'customerId', r.customer_id,
                    'companyId', r.company_id)))
            from reaped r)
)
select * from answer;
