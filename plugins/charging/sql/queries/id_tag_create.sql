-- in: idTag, customerId, vehicleId, status, expiresAt, parentIdTag
-- out: created; event id_tag.changed.v1
-- refuses: id_tag_taken, forbidden
-- Tags let people charge on account, so drivers do not make their own.
with made as (
    insert into charging.id_tag as t (id_tag, customer_id, vehicle_id, company_id, status, expires_at,
        parent_id_tag, created_at, updated_at)
    select :idTag, :customerId, :vehicleId, nullif(:callerCompany, ''), coalesce(:status, 'Accepted'), :expiresAt,
        :parentIdTag, :now, :now
    where :callerRole = 'admin'
        or :callerRole in ('operator', 'fleet_manager', 'partner') and :callerCompany <> ''
    on conflict on constraint id_tag_taken do nothing
    returning charging.id_tag_body(t) as body,
        charging.id_tag_event(t, 'id_tag.changed.v1') as event
), listed as (
    select charging.local_list_touch(:callerCompany, :now) as lists
    from made
), answer (status, body, events) as (
    select case
            when m.body is not null then 'created'
            when :callerRole = 'admin' then 'id_tag_taken'
            when :callerRole in ('operator', 'fleet_manager', 'partner') and :callerCompany <> '' then 'id_tag_taken'
            else 'forbidden'
        end,
        m.body,
        case when m.event is not null then jsonb_build_array(m.event) end
    from (select) one
    left join made m on true
    left join listed l on true
)
select * from answer;
