-- in: id; why the charger could not be asked, as :reason
-- out: ok
-- Not connected, silent or in error: the slot is held here all the same.
with noted as (
    update reservations.reservation r
    set status = 'CONFIRMED',
        charger_status = :reason,
        updated_at = :now,
        version = r.version + 1
    where r.id = :id
        and r.status in ('PENDING', 'CONFIRMED')
    returning r as row
), answer (status, body, events) as (
    select 'ok',
        null::json,
        (
            select jsonb_agg(reservations.reservation_event(n.row, 'reservation.confirmed.v1'))
            from noted n
            join reservations.reservation before on before.id = (n.row).id
            where before.status = 'PENDING')
)
select * from answer;
