-- in: id
-- out: {goesOn}: whether there is such a reservation, and it is not over
select json_build_object('goesOn', exists (
    select
    from reservations.reservation r
    where r.id = :id
        and r.status in ('WAITLISTED', 'PENDING', 'CONFIRMED', 'ACTIVE'))) as body;
