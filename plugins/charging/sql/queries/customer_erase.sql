-- in: erasureId, customerId, round
-- out: ok; id_tag.removed.v1 of each of its tags; customer.erased.v1
--
-- Sessions stay for statistics and for their invoices, under a pseudonym and
-- other tags, which are drawn here and known to nobody: tags would be guessed
-- from a hash that anybody could repeat. They are marked, so that none is priced
-- later: nobody is there to pay. A session that runs is left to end;
-- its tags go at once, so that none begins. At most 500 sessions a round.
with veil as materialized (
    select gen_random_uuid()::text as customer, gen_random_uuid()::text as salt
), tag as (
    delete from charging.id_tag t
    where t.customer_id = :customerId
    returning t.tag_key,
        t.company_id,
        charging.id_tag_event(t, 'id_tag.removed.v1') as event
), listed as materialized (
    select coalesce(sum(charging.local_list_touch(c.company_id, :now)), 0) as lists
    from (
        select distinct t.company_id
        from tag t
        where t.company_id is not null
        order by t.company_id) c
), over as materialized (
    select s.id
    from charging.session s
    where s.customer_id = :customerId
        and s.status in ('COMPLETED', 'FAILED')
    order by s.id
    limit 500
    for no key update
), unclear as (
    update charging.quarantine q
    set payload = q.payload || jsonb_build_object('idTag', charging.veiled(q.payload ->> 'idTag', v.salt)),
        version = q.version + 1
    from veil v
    where q.payload ? 'idTag'
        and (q.session_id = any (array(
                select o.id
                from over o))
            or lower(q.payload ->> 'idTag') = any (array(
                select t.tag_key
                from tag t)))
    returning 1
), veiled as (
    update charging.session s
    set customer_id = v.customer,
        vehicle_id = md5(v.salt || s.vehicle_id)::uuid,
        id_tag = case when s.one_time_tag then s.id_tag else charging.veiled(s.id_tag, v.salt) end,
        stop_id_tag = charging.veiled(s.stop_id_tag, v.salt),
        flags = charging.flag(s.flags, 'erased', true),
        version = s.version + 1
    from veil v
    where s.id = any (array(
        select o.id
        from over o))
    returning 1
), booked as (
    delete from charging.reservation r
    where r.customer_id = :customerId
        and r.expires_at < :now
    returning 1
), party as (
    update charging.party p
    set gone = true, customer_id = null, operator_id = null, company_id = null
    where p.kind = 'customer'
        and p.id = :customerId
        and p.customer_id is not null
    returning 1
), known as (
    -- a driver of another issuer may come with a new token at any time
    insert into charging.party (kind, id, version, gone)
    values ('customer', :customerId, 0, true)
    on conflict on constraint party_pkey do nothing
), vehicle as (
    -- that it is gone is kept: nobody charges with it while accounts is away
    update charging.party p
    set gone = true, customer_id = null, operator_id = null, company_id = null
    where p.kind = 'vehicle'
        and p.customer_id = :customerId
    returning 1
), told as (
    select charging.erased_event(:erasureId, :customerId, :round, jsonb_build_object(
            'idTag', (select count(*) from tag),
            'session', (select count(*) from veiled),
            'quarantine', (select count(*) from unclear),
            'partyCopy', (select count(*) from party) + (select count(*) from vehicle),
            'reservationCopy', (select count(*) from booked),
            'answer', vg.answers_forgotten(:customerId)),
        (select count(*) from veiled) >= 500,
        (
            select count(*)
            from charging.session s
            where s.customer_id = :customerId
                and s.status not in ('COMPLETED', 'FAILED')),
        (
            select count(*)
            from charging.reservation r
            where r.customer_id = :customerId
                and r.expires_at >= :now)) as event
    from listed l
), answer (status, body, events) as (
    select 'ok', null::json, coalesce((select jsonb_agg(t.event) from tag t), '[]') || t.event
    from told t
)
select * from answer;
