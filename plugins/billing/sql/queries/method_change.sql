-- in: id, brand, last4, expires, default
-- out: ok, the method
-- refuses: not_found, precondition_failed
with target as (
    select m.id, m.payer, m.kind
    from billing.method_json m
    where m.id = :id
        and vg.visible(:callerRole, :callerId, :callerCompany, m.customer_id, m.operator_id, m.company_id)
), changed as (
    update billing.method as m
    set brand = case when :body ? 'brand' then :brand else m.brand end,
        last4 = case when :body ? 'last4' then :last4 else m.last4 end,
        expires = case when :body ? 'expires' then :expires else m.expires end,
        version = m.version + 1
    from target t
    where m.id = t.id
        and m.removed_at is null
        and (:ifMatch is null or m.version = any (:ifMatch))
    returning m as row
), chosen as materialized (
    select c.row,
        billing.method_default((c.row).payer, (c.row).id,
            case :default when true then 'YES' when false then 'NO' else 'AS_IS' end) as is_default
    from changed c
), answer (status, body, events) as (
    select case
            when c.is_default is not null then 'ok'
            when t.id is not null and :ifMatch is not null then 'precondition_failed'
            else 'not_found'
        end,
        case when c.is_default is not null then billing.method_body(c.row, t.kind, c.is_default) end,
        null::jsonb
    from (select) as one
    left join target t on true
    left join chosen c on true
)
select * from answer;
