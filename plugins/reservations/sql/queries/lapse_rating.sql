-- in: id
-- out: {rating}: what pricing is asked before it expires; null: nothing
-- Nobody pays for what could not be used: a connector out of order, or taken
-- by somebody else's session; nor for having waited in vain.
select json_build_object('rating', (
    select reservations.rating(r, r.expires_at, true)
    from reservations.reservation r
    join reservations.connector c on c.connector_id = r.connector_id
    where r.id = :id
        and r.status in ('PENDING', 'CONFIRMED')
        and not r.obstructed
        and coalesce(c.status, '') not in ('Unavailable', 'Faulted'))) as body;
