-- in: customerId, after, most (rows of a page)
-- out: {rows: [{kind, row}], next}: what charging holds about a customer, a page of it
--
-- Places are "section/key", in the order of sections and keys; a tag may hold
-- a slash, too. What a meter said at one moment is one row, "session/moment".
with parts as (
    select
        coalesce(split_part(:after, '/', 1), '0')::int as section,
        coalesce(substr(:after, strpos(:after, '/') + 1), '') as key
), place as (
    select
        g.section,
        g.key,
        case when g.section = 3 then vg.cursor_id(split_part(g.key, '/', 1)) end as session,
        case when g.section = 3 then to_timestamp(split_part(g.key, '/', 2)::numeric / 1000000) end as at
    from parts g
), found as (
    (select 1 as section, t.tag_key as key, 'idTag' as kind, charging.id_tag_body(t)::jsonb as row
    from charging.id_tag t
    cross join place p
    where t.customer_id = :customerId
        and (p.section < 1 or p.section = 1 and t.tag_key > p.key)
    order by t.tag_key
    limit :most)
    union all
    (select 2, s.id::text, 'session', charging.session_body(s)::jsonb || jsonb_build_object(
        'messages', (
            select jsonb_agg(charging.quarantine_body(q)::jsonb order by q.id)
            from charging.quarantine q
            where q.session_id = s.id))
    from charging.session s
    cross join place p
    where s.customer_id = :customerId
        and (p.section < 2 or p.section = 2 and s.id > vg.cursor_id(p.key))
    order by s.id
    limit :most)
    union all
    (select 3, m.session_id || '/' || lpad((extract(epoch from m.at) * 1000000)::bigint::text, 18, '0'), 'meterValue',
        jsonb_build_object(
            'sessionId', m.session_id,
            'at', vg.z(m.at),
            'samples', m.samples)
    from (
        select s.id as session_id, v.at, jsonb_agg(jsonb_build_object(
                'measurand', v.measurand,
                'phase', v.phase,
                'context', v.context,
                'location', v.location,
                'unit', v.unit,
                'value', v.raw) order by v.measurand, v.phase, v.context, v.location) as samples
        from charging.session s
        join charging.meter_value v on v.session_id = s.id
        cross join place p
        where s.customer_id = :customerId
            and (p.section < 3 or s.id >= p.session)
            and (p.section < 3 or s.id > p.session or v.at > p.at)
        group by s.id, v.at
        order by s.id, v.at
        limit :most) m)
), page as (
    select f.*
    from found f
    order by f.section, f.key
    limit :most
)
select json_build_object(
    'rows', coalesce((
        select json_agg(json_build_object('kind', g.kind, 'row', g.row) order by g.section, g.key)
        from page g), '[]'),
    'next', (
        select case when count(*) = :most then (array_agg(g.section || '/' || g.key order by g.section desc, g.key desc))[1] end
        from page g)) as body;
