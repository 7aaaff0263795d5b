-- in: id
-- out: ok, the reservation, unless the charger is to hold it by now
with shown as (
    select reservations.reservation_body(r) as body
    from reservations.reservation r
    where r.id = :id
        and not (r.status in ('PENDING', 'CONFIRMED', 'ACTIVE') and r.holds_from <= :now)
), answer (status, body, events) as (
    select 'ok', (select s.body from shown s), null::jsonb
)
select * from answer;
