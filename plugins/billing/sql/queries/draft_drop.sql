-- in: id
-- out: empty
-- refuses: not_found, precondition_failed, invoice_issued
with target as (
    select j.id, j.status
    from billing.paper_json j
    where j.id = :id
        and vg.visible(:callerRole, :callerId, :callerCompany, j.to_customer, j.issuer, j.to_company)
), dropped as (
    delete from billing.draft d
    using target t
    where d.id = t.id
        and (:ifMatch is null or d.version = any (:ifMatch))
    returning d.id
), answer (status, body, events) as (
    select case
            when d.id is not null then 'empty'
            when t.status = 'DRAFT' and :ifMatch is not null then 'precondition_failed'
            when t.status <> 'DRAFT' then 'invoice_issued'
            else 'not_found'
        end,
        null::json,
        null::jsonb
    from (select) as one
    left join target t on true
    left join dropped d on true
)
select * from answer;
