-- in: idTag, customerId, vehicleId, status, expiresAt, parentIdTag; :outcome, what accounts says of customer and vehicle
-- out: created; event id_tag.changed.v1
-- refuses: id_tag_taken, forbidden, customer_unknown, vehicle_unknown
-- Tags let people charge on account, so drivers do not make their own.
with party as materialized (
    select charging.party_known('customer', :customerId, :outcome, :callerId, :callerRole, :callerCompany) as customer,
        charging.party_known('vehicle', :vehicleId::text, :outcome, :callerId, :callerRole, :callerCompany) as vehicle
), judged as (
    select case
            when :callerRole <> 'admin'
                and (:callerRole not in ('operator', 'fleet_manager', 'partner') or :callerCompany = '')
            then 'forbidden'
            when not p.customer then 'customer_unknown'
            when not p.vehicle then 'vehicle_unknown'
            else 'created'
        end as verdict
    from party p
), made as (
    insert into charging.id_tag as t (id_tag, customer_id, vehicle_id, company_id, status, expires_at,
        parent_id_tag, created_at, updated_at)
    select :idTag, :customerId, :vehicleId, nullif(:callerCompany, ''), coalesce(:status, 'Accepted'), :expiresAt,
        :parentIdTag, :now, :now
    from judged j
    where j.verdict = 'created'
    on conflict on constraint id_tag_taken do nothing
    returning charging.id_tag_body(t) as body,
        charging.id_tag_event(t, 'id_tag.changed.v1') as event
), listed as (
    select charging.local_list_touch(:callerCompany, :now) as lists
    from made
), answer (status, body, events) as (
    select case
            when j.verdict = 'created' and m.body is null then 'id_tag_taken'
            else j.verdict
        end,
        m.body,
        case when m.event is not null then jsonb_build_array(m.event) end
    from judged j
    left join made m on true
    left join listed l on true
)
select * from answer;
