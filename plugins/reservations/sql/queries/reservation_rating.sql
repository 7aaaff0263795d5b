-- in: id
-- out: {rating}: what pricing is asked before it is cancelled; null: nothing
select json_build_object('rating', case
        when r.status in ('PENDING', 'CONFIRMED')
            and :now > r.start_time - r.free_for
            and reservations.hindrance(r, :now) is null
        then reservations.rating(r, :now, false)
    end) as body
from reservations.reservation r
where r.id = :id
    and vg.visible(:callerRole, :callerId, :callerCompany, r.customer_id, r.operator_id, r.company_id);
