-- in: id; the charger's answer to CancelReservation, as :outcome
-- out: ok
-- Rejected: it holds none by that number, which is what was wanted.
with noted as (
    update reservations.reservation r
    set charger_status = 'Cancelled'
    where r.id = :id
        and r.charger_status = 'Accepted'
        and :outcome is not null
        and not (r.status in ('PENDING', 'CONFIRMED', 'ACTIVE') and r.holds_from <= :now)
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
