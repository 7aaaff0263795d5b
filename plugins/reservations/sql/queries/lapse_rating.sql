-- in: id
-- out: {rating}: what pricing is asked before it expires; null: nothing
-- Nobody pays for what could not be used, nor for having waited in vain.
select json_build_object('rating', (
    select reservations.rating(r, r.expires_at, true)
    from reservations.reservation r
    where r.id = :id
        and r.status in ('PENDING', 'CONFIRMED')
        and reservations.hindrance(r, :now) is null)) as body;
