-- in: id
-- out: ok, the reservation while the charger is to hold it; else nothing
with shown as (
    select reservations.reservation_body(r) as body
    from reservations.reservation r
    where r.id = :id
        and r.status in ('PENDING', 'CONFIRMED')
        and r.holds_from <= :now
        and r.expires_at > :now
), answer (status, body, events) as (
    select 'ok', (select s.body from shown s), null::jsonb
)
select * from answer;
