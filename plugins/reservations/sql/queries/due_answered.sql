-- in: id; the charger's answer to ReserveNow, as :outcome
-- out: ok
-- A charger without room ends what was only just asked for; what had been
-- confirmed stays, and the charger is asked again. One that knows no
-- reservations (Rejected) holds nothing; we do. What was cancelled or moved
-- away meanwhile is taken back.
with said as (
    select :outcome ->> 'status' as word
), noted as (
    update reservations.reservation r
    set status = case
            when r.status = 'PENDING' and s.word in ('Occupied', 'Faulted', 'Unavailable') then 'CANCELLED'
            when r.status = 'PENDING' then 'CONFIRMED'
            else r.status
        end,
        charger_status = case
            when s.word in ('Accepted', 'Occupied', 'Faulted', 'Unavailable') then s.word
            else 'Rejected'
        end,
        reason = case
            when r.status = 'PENDING' and s.word in ('Occupied', 'Faulted', 'Unavailable')
            then 'charger_' || lower(s.word)
        end,
        over_at = case
            when r.status = 'PENDING' and s.word in ('Occupied', 'Faulted', 'Unavailable') then :now
        end,
        updated_at = :now,
        version = r.version + 1
    from said s
    where r.id = :id
        and r.status in ('PENDING', 'CONFIRMED')
        and r.holds_from <= :now
    returning r as row
), told as (
    select case (n.row).status
            when 'CANCELLED' then reservations.reservation_event(n.row, 'reservation.cancelled.v1')
            else reservations.reservation_event(n.row, 'reservation.confirmed.v1')
        end as event
    from noted n
    join reservations.reservation before on before.id = (n.row).id
    where before.status = 'PENDING'
    union all
    select reservations.order_event(r, 'reservation.withdrawn.v1')
    from reservations.reservation r
    cross join said s
    where r.id = :id
        and s.word = 'Accepted'
        and not (r.status in ('PENDING', 'CONFIRMED', 'ACTIVE') and r.holds_from <= :now)
), answer (status, body, events) as (
    select 'ok', null::json, (select jsonb_agg(t.event) from told t)
)
select * from answer;
