-- in: id
-- out: ok, the invoice: issued, with a number; what pays it follows
-- refuses: not_found, invoice_issued, invoice_empty
with target as (
    select j.id, j.status
    from billing.paper_json j
    where j.id = :id
        and vg.visible(:callerRole, :callerId, :callerCompany, j.to_customer, j.issuer, j.to_company)
), gone as (
    delete from billing.draft d
    using target t
    where d.id = t.id
        and d.invoice is not null
    returning d as row
), issued as materialized (
    select billing.invoice_issue('MANUAL', (g.row).id, '', (g.row).issuer, (g.row).customer_id, (g.row).company_id,
        (g.row).invoice, jsonb_build_object('country', (g.row).country), :now, :correlationId,
        (g.row).version + 1) as event
    from gone g
), answer (status, body, events) as (
    select case
            when i.event is not null then 'ok'
            when t.status is null then 'not_found'
            when t.status <> 'DRAFT' then 'invoice_issued'
            when exists (
                select
                from billing.draft d
                where d.id = t.id
                    and d.invoice is null) then 'invoice_empty'
            else 'again'
        end,
        case when i.event is not null then billing.invoice_body((i.event ->> 'aggregateId')::uuid) end,
        case when i.event is not null then jsonb_build_array(i.event) end
    from (select) as one
    left join target t on true
    left join issued i on true
)
select * from answer;
