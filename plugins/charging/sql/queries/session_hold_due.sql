-- in: sessionId, stops
-- out: ok
-- A session that the API began has asked by its saga. One that was refused in the
-- moment in which the charger started is stopped.
with asked as (
    insert into vg.job (plugin, kind, key, payload, correlation_id)
    select :vgPlugin, 'charging.hold', s.id::text, jsonb_build_object('sessionId', s.id), :correlationId
    from charging.session s
    where s.id = :sessionId
        and s.requested_at is null
        and s.hold_status is null
        and s.customer_id is not null
        and s.company_id is null
        and s.status in ('ACTIVE', 'SUSPENDED', 'STOPPING')
    on conflict do nothing
), refused as materialized (
    select charging.hold_stop(:sessionId, :stops, :correlationId)
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
    from refused
)
select * from answer;
