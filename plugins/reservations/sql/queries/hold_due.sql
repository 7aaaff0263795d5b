-- in: reservationId
-- out: ok
-- What waits holds nothing until it is promoted.
with asked as (
    insert into vg.job (plugin, kind, payload, correlation_id)
    select :vgPlugin, 'reservations.hold', jsonb_build_object('id', r.id), :correlationId
    from reservations.reservation r
    where r.id = :reservationId
        and r.status in ('PENDING', 'CONFIRMED')
        and r.customer_id is not null
        and r.company_id is null
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
