-- in: idTag, customerId, vehicleId, companyId, status, expiresAt
-- out: ok
with kept as (
    insert into reservations.id_tag (tag_key, id_tag, customer_id, vehicle_id, company_id, status, expires_at)
    values (lower(:idTag), :idTag, :customerId, :vehicleId, :companyId, :status, :expiresAt)
    on conflict (tag_key) do update
    set id_tag = excluded.id_tag,
        customer_id = excluded.customer_id,
        vehicle_id = excluded.vehicle_id,
        company_id = excluded.company_id,
        status = excluded.status,
        expires_at = excluded.expires_at
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
