-- in: reservationId, holdAhead (seconds)
-- out: ok
-- What waits holds nothing until it is promoted, what lies further ahead not yet:
-- see hold_tick. What was moved there lets go of what it holds.
with due as (
    update reservations.reservation r
    set hold_at = case
            when r.start_time - make_interval(secs => :holdAhead) > :now
            then r.start_time - make_interval(secs => :holdAhead)
        end
    where r.id = :reservationId
        and r.status in ('PENDING', 'CONFIRMED')
        and r.customer_id is not null
        and r.company_id is null
    returning r.id,
        r.hold_at is null or r.hold_status in ('PENDING', 'HELD', 'EXHAUSTED') as asks
), asked as (
    insert into vg.job (plugin, kind, payload, correlation_id)
    select :vgPlugin, 'reservations.hold', jsonb_build_object('id', d.id), :correlationId
    from due d
    where d.asks
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
