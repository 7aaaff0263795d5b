-- in: customerId, after, most (rows of a page)
-- out: {rows: [{kind, row}], next}: what accounts holds about a customer, a page of it
--
-- Places are "section/key", in the order of sections and keys. Secrets and
-- their hashes are no part of it.
with place as (
    select
        coalesce(split_part(:after, '/', 1), '0')::int as section,
        coalesce(split_part(:after, '/', 2), '') as key
), found as (
    select 1 as section, c.id as key, 'customer' as kind, accounts.customer_body(c)::jsonb as row
    from accounts.customer as c
    cross join place as p
    where c.id = :customerId
        and p.section < 1
    union all
    select 2, u.id::text, 'user', accounts.user_body(u)::jsonb
    from accounts.users as u
    cross join place as p
    where u.id = vg.cursor_id(:customerId)
        and p.section < 2
    union all
    (select 3, v.id::text, 'vehicle', accounts.vehicle_body(v)::jsonb
    from accounts.vehicle as v
    cross join place as p
    where v.customer_id = :customerId
        and (p.section < 3 or p.section = 3 and v.id > vg.cursor_id(p.key))
    order by v.id
    limit :most)
    union all
    (select 4, k.id::text, 'apiKey', accounts.api_key_body(k)::jsonb
    from accounts.api_key as k
    cross join place as p
    where k.created_by = :customerId
        and (p.section < 4 or p.section = 4 and k.id > vg.cursor_id(p.key))
    order by k.id
    limit :most)
    union all
    (select 5, s.id::text, 'session', jsonb_build_object(
        'id', s.id,
        'address', s.place,
        'scope', s.scope,
        'createdAt', vg.z(s.created_at),
        'expiresAt', vg.z(s.expires_at),
        'endedAt', vg.z(s.ended_at))
    from accounts.session as s
    cross join place as p
    where s.user_id = vg.cursor_id(:customerId)
        and (p.section < 5 or p.section = 5 and s.id > vg.cursor_id(p.key))
    order by s.id
    limit :most)
    union all
    -- without an IPv6 network's "/64": a key has no slash
    (select 6, split_part(k.place, '/', 1), 'knownPlace', jsonb_build_object('address', k.place, 'at', vg.z(k.at))
    from accounts.known_place as k
    cross join place as p
    where k.user_id = vg.cursor_id(:customerId)
        and (p.section < 6 or p.section = 6 and split_part(k.place, '/', 1) > p.key)
    order by split_part(k.place, '/', 1)
    limit :most)
), page as (
    select f.*
    from found as f
    order by f.section, f.key
    limit :most
)
select json_build_object(
    'rows', coalesce((
        select json_agg(json_build_object('kind', g.kind, 'row', g.row) order by g.section, g.key)
        from page as g), '[]'),
    'next', (
        select case when count(*) = :most then (array_agg(g.section || '/' || g.key order by g.section desc, g.key desc))[1] end
        from page as g)) as body;
