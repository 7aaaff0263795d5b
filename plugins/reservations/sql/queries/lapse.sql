-- in: id, costs
-- out: ok
-- It may have been moved, used or cancelled since it was ordered.
with expired as (
    update reservations.reservation r
    set status = 'EXPIRED',
        reason = case
            when r.status = 'WAITLISTED' then 'never_free'
            else coalesce(reservations.hindrance(r, :now), 'not_used')
        end,
        over_at = :now,
        currency = :costs ->> 'currency',
        fee = reservations.owed(:costs, 'excl_vat'),
        fee_incl_vat = reservations.owed(:costs, 'incl_vat'),
        costs = :costs,
        updated_at = :now,
        version = r.version + 1
    where r.id = :id
        and r.status in ('PENDING', 'CONFIRMED', 'WAITLISTED')
        and r.expires_at <= :now
    returning r as row
), answer (status, body, events) as (
    select 'ok', null::json, (
        select reservations.ended(e.row, 'reservation.expired.v1', :now)
        from expired e)
)
select * from answer;
