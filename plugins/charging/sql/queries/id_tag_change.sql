-- in: idTag, customerId, vehicleId, status, expiresAt, parentIdTag; :outcome, what accounts says of customer and vehicle
-- out: ok; event id_tag.changed.v1
-- refuses: not_found, precondition_failed, customer_unknown, vehicle_unknown
-- Only a tag's keeper changes it; a customer sees it.
with party as materialized (
    select charging.party_known('customer', :customerId, :outcome, :callerId, :callerRole, :callerCompany) as customer,
        charging.party_known('vehicle', :vehicleId::text, :outcome, :callerId, :callerRole, :callerCompany) as vehicle
), known as (
    select t.version
    from charging.id_tag t
    where t.tag_key = lower(:idTag)
        and :callerRole <> 'driver'
        and charging.tag_visible(:callerRole, :callerId, :callerCompany, t.customer_id, t.company_id)
), changed as (
    update charging.id_tag as t
    set customer_id = case when :body ? 'customerId' then :customerId else t.customer_id end,
        vehicle_id = case when :body ? 'vehicleId' then :vehicleId else t.vehicle_id end,
        status = coalesce(:status, t.status),
        expires_at = case when :body ? 'expiresAt' then :expiresAt else t.expires_at end,
        parent_id_tag = case when :body ? 'parentIdTag' then :parentIdTag else t.parent_id_tag end,
        updated_at = :now,
        version = t.version + 1
    from party p
    where p.customer
        and p.vehicle
        and t.tag_key = lower(:idTag)
        and :callerRole <> 'driver'
        and charging.tag_visible(:callerRole, :callerId, :callerCompany, t.customer_id, t.company_id)
        and (:ifMatch is null or t.version = any (:ifMatch))
    returning charging.id_tag_body(t) as body,
        charging.id_tag_event(t, 'id_tag.changed.v1') as event,
        t.company_id
), listed as (
    select charging.local_list_touch(c.company_id, :now) as lists
    from changed c
), answer (status, body, events) as (
    select case
            when c.body is not null then 'ok'
            when k.version is null then 'not_found'
            when not k.version = any (:ifMatch) then 'precondition_failed'
            when not p.customer then 'customer_unknown'
            when not p.vehicle then 'vehicle_unknown'
            when :ifMatch is not null then 'precondition_failed' -- it moved while this waited
            else 'not_found'
        end,
        c.body,
        case when c.event is not null then jsonb_build_array(c.event) end
    from party p
    left join known k on true
    left join changed c on true
    left join listed l on true
)
select * from answer;
