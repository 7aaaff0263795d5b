-- in: id, costs
-- out: ok, the reservation; also when it was cancelled already
-- refuses: not_found, precondition_failed, reservation_over
with found as (
    select r as row,
        :ifMatch is null or r.version = any (:ifMatch) as meant
    from reservations.reservation r
    where r.id = :id
        and vg.visible(:callerRole, :callerId, :callerCompany, r.customer_id, r.operator_id, r.company_id)
), cancelled as (
    update reservations.reservation r
    set status = 'CANCELLED',
        reason = 'cancelled',
        over_at = :now,
        currency = :costs ->> 'currency',
        fee = reservations.owed(:costs, 'excl_vat'),
        fee_incl_vat = reservations.owed(:costs, 'incl_vat'),
        costs = :costs,
        updated_at = :now,
        version = r.version + 1
    from found f
    where r.id = (f.row).id
        and f.meant
        and r.status in ('PENDING', 'CONFIRMED', 'WAITLISTED')
    returning r as row
), answer (status, body, events) as (
    select case
            when (f.row).id is null then 'not_found'
            when not f.meant then 'precondition_failed'
            when (c.row).id is null and (f.row).status <> 'CANCELLED' then 'reservation_over'
            else 'ok'
        end,
        case
            when (c.row).id is not null then reservations.reservation_body(c.row)
            when f.meant and (f.row).status = 'CANCELLED' then reservations.reservation_body(f.row)
        end,
        case when (c.row).id is not null then reservations.ended(c.row, 'reservation.cancelled.v1', :now) end
    from (select) one
    left join found f on true
    left join cancelled c on true
)
select * from answer;
