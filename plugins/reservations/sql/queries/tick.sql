-- in: warning (seconds)
-- out: ok
-- What time brings: chargers to be asked, drivers to be warned, expiries to
-- be ordered (an event each prices and ends them). What was ordered and has
-- not come about is ordered again after a minute; so is a charger that had
-- no room. A charger that never answered is as good as none.
with near as (
    select r.id,
        r.expires_at <= :now
            and coalesce(r.lapsed_at <= :now - interval '1 minute', true) as lapses,
        r.status = 'CONFIRMED' and r.expires_at > :now
            and coalesce(r.charger_status, '') not in ('Accepted', 'Rejected')
            and coalesce(r.asked_at <= :now - interval '1 minute', true) as is_due,
        r.status = 'CONFIRMED' and r.expires_at > :now
            and r.warned_at is null
            and r.expires_at - make_interval(secs => :warning) <= :now as is_warned,
        r.status = 'PENDING' and r.expires_at > :now
            and r.asked_at <= :now - interval '45 seconds' as is_silent
    from reservations.reservation r
    where r.status in ('PENDING', 'CONFIRMED', 'WAITLISTED')
        and r.holds_from <= :now
), due as (
    select r.id, n.lapses, n.is_due, n.is_warned, n.is_silent
    from near n
    join reservations.reservation r on r.id = n.id
    where n.lapses or n.is_due or n.is_warned or n.is_silent
    order by r.expires_at
    limit 500
    for update of r skip locked
), noted as (
    update reservations.reservation r
    set lapsed_at = case when d.lapses then :now else r.lapsed_at end,
        asked_at = case when d.is_due then :now else r.asked_at end,
        warned_at = case when d.is_warned then :now else r.warned_at end,
        status = case when d.is_silent then 'CONFIRMED' else r.status end,
        charger_status = case when d.is_silent then 'charger_silent' else r.charger_status end,
        version = r.version + case when d.is_silent then 1 else 0 end
    from due d
    where r.id = d.id
    returning r as row, d.lapses, d.is_due, d.is_warned, d.is_silent
), told as (
    select reservations.order_event(n.row, 'reservation.lapsed.v1') as event from noted n where n.lapses
    union all
    select reservations.order_event(n.row, 'reservation.due.v1') from noted n where n.is_due
    union all
    select reservations.reservation_event(n.row, 'reservation.expiring.v1') from noted n where n.is_warned
    union all
    select reservations.reservation_event(n.row, 'reservation.confirmed.v1') from noted n where n.is_silent
), answer (status, body, events) as (
    select 'ok', null::json, (select jsonb_agg(t.event) from told t)
)
select * from answer;
