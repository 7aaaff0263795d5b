-- in: id, startTime, endTime, longest, furthest (seconds)
-- out: ok, the reservation
-- refuses: not_found, precondition_failed, reservation_over, validation, reservation_conflict
-- One that waits keeps its place in the queue, and may be served at once.
-- What the charger holds is replaced or taken back, as the new time wants. A
-- moment until which cancelling was free and that is over stays where it was: a
-- late driver would move and then cancel.
with found as (
    select r as row,
        coalesce(:startTime, r.start_time) as start_time,
        coalesce(:endTime, r.end_time) as end_time
    from reservations.reservation r
    where r.id = :id
        and vg.visible(:callerRole, :callerId, :callerCompany, r.customer_id, r.operator_id, r.company_id)
), wanted as (
    select f.row,
        f.start_time,
        f.end_time,
        case when f.end_time > f.start_time then tstzrange(f.start_time, f.end_time) end as during,
        -- what began already may still be made longer or shorter
        reservations.invalid(
            case when f.start_time = (f.row).start_time then greatest(f.start_time, :now) else f.start_time end,
            f.end_time, :now, :longest, :furthest) as invalid
    from found f
), judged as (
    select case
            when (w.row).id is null then 'not_found'
            when :ifMatch is not null and (w.row).version <> all (:ifMatch) then 'precondition_failed'
            when (w.row).status not in ('PENDING', 'CONFIRMED', 'WAITLISTED') then 'reservation_over'
            when w.invalid is not null then 'validation'
            when (w.row).status <> 'WAITLISTED' and exists (
                select
                from reservations.reservation o
                where o.connector_id = (w.row).connector_id
                    and o.status in ('PENDING', 'CONFIRMED', 'ACTIVE')
                    and o.during && w.during
                    and o.id <> (w.row).id) then 'reservation_conflict'
            else 'ok'
        end as verdict
    from (select) one
    left join wanted w on true
), moved as (
    update reservations.reservation r
    set start_time = w.start_time,
        end_time = w.end_time,
        free_for = case
            when r.status <> 'WAITLISTED' and r.start_time - r.free_for < :now
            then w.start_time - (r.start_time - r.free_for)
            else r.free_for
        end,
        holds_from = w.start_time - r.ahead,
        expires_at = reservations.expiry(w.start_time, w.end_time, r.grace, w.start_time),
        status = case when r.status = 'PENDING' then 'CONFIRMED' else r.status end,
        asked_at = case when r.status <> 'WAITLISTED' and w.start_time - r.ahead <= :now then :now end,
        charger_status = null,
        warned_at = null,
        lapsed_at = null,
        updated_at = :now,
        version = r.version + 1
    from judged j
    cross join wanted w
    where j.verdict = 'ok'
        and r.id = (w.row).id
    returning r as row,
        (w.row).status as was,
        (w.row).charger_status as charger_was
), promoted as (
    select p as row
    from moved m
    join reservations.connector c
        on c.connector_id = (m.row).connector_id
        or (m.row).connector_id is null and c.station_id = (m.row).station_id
    cross join lateral reservations.promote(c.connector_id, :now) p
), told as (
    select jsonb_agg(reservations.reservation_event(p.row, 'reservation.promoted.v1')) as events,
        (array_agg(reservations.reservation_body(p.row)) filter (where (p.row).id = :id))[1] as body
    from promoted p
), answer (status, body, events) as (
    select j.verdict,
        case j.verdict
            when 'validation' then json_build_object('message', 'The interval is not valid', 'errors', w.invalid)
            when 'reservation_conflict' then reservations.conflict(array[(w.row).connector_id], w.during, :id)
            when 'ok' then coalesce(t.body, reservations.reservation_body(m.row))
        end,
        case
            when (m.row).id is not null
            then jsonb_build_array(reservations.reservation_event(m.row, 'reservation.moved.v1'))
                || case when m.was = 'PENDING' then reservations.reservation_event(m.row, 'reservation.confirmed.v1') else '[]' end
                || case
                    when m.was <> 'WAITLISTED' and (m.row).asked_at is not null
                    then reservations.order_event(m.row, 'reservation.due.v1')
                    when m.charger_was = 'Accepted'
                    then reservations.order_event(m.row, 'reservation.withdrawn.v1')
                    else '[]'
                end
                || coalesce(t.events, '[]')
        end
    from judged j
    cross join told t
    left join wanted w on true
    left join moved m on true
)
select * from answer;
