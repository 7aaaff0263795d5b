-- in: erasureId, customerId, round
-- out: ok; customer.erased.v1
--
-- Reservations that are over stay, under a pseudonym and another tag, which
-- are drawn here and known to nobody. What is open is its customer's, or the
-- operator's, to end: cancelling may cost. At most 500 a round.
with veil as materialized (
    select gen_random_uuid()::text as customer, gen_random_uuid()::text as salt
), tag as (
    delete from reservations.id_tag t
    where t.customer_id = :customerId
    returning 1
), erased as (
    insert into reservations.erased (customer_id)
    values (:customerId)
    on conflict on constraint erased_pkey do nothing
), vehicle as (
    -- that it is gone is kept: nobody reserves for it while accounts is away
    update reservations.vehicle v
    set gone = true, customer_id = null, operator_id = null, company_id = null
    where v.customer_id = :customerId
    returning 1
), over as materialized (
    select r.id
    from reservations.reservation r
    where r.customer_id = :customerId
        and r.status in ('COMPLETED', 'CANCELLED', 'EXPIRED')
    order by r.id
    limit 500
    for no key update
), veiled as (
    update reservations.reservation r
    set customer_id = v.customer,
        vehicle_id = md5(v.salt || r.vehicle_id)::uuid,
        id_tag = case
            when r.one_time_tag then r.id_tag
            else left(encode(sha256(convert_to(v.salt || lower(r.id_tag), 'UTF8')), 'hex'), 20)
        end,
        version = r.version + 1
    from veil v
    where r.id = any (array(
        select o.id
        from over o))
    returning 1
), answer (status, body, events) as (
    select 'ok', null::json, jsonb_build_array(reservations.erased_event(:erasureId, :customerId, :round,
        jsonb_build_object(
            'idTagCopy', (select count(*) from tag),
            'vehicleCopy', (select count(*) from vehicle),
            'reservation', (select count(*) from veiled),
            'answer', vg.answers_forgotten(:customerId)),
        (select count(*) from veiled) >= 500,
        (
            select count(*)
            from reservations.reservation r
            where r.customer_id = :customerId
                and r.status in ('WAITLISTED', 'PENDING', 'CONFIRMED', 'ACTIVE'))))
)
select * from answer;
