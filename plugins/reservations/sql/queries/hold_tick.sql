-- in: nothing
-- out: ok
-- What begins soon enough for a card to hold it so long has it held now.
with due as (
    update reservations.reservation r
    set hold_at = null
    where r.id = any (array(
        select o.id
        from reservations.reservation o
        where o.hold_at <= :now
        order by o.hold_at
        limit 500
        for update skip locked))
    returning r.id,
        r.status
), asked as (
    insert into vg.job (plugin, kind, payload, correlation_id)
    select :vgPlugin, 'reservations.hold', jsonb_build_object('id', d.id), :correlationId
    from due d
    where d.status in ('PENDING', 'CONFIRMED')
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
