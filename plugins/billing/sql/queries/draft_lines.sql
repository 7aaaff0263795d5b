-- in: id, invoice
-- out: created, the draft with the lines
-- refuses: not_found, invoice_issued, conflict
-- Lines were reckoned with those that the draft had when it was read: another
-- one that came meanwhile is a conflict.
with changed as (
    update billing.draft as d
    set lines = :row #> '{costs,lines}',
        invoice = :invoice,
        version = d.version + 1
    where d.id = :id
        and d.version = (:row ->> 'version')::int
    returning d as row
), answer (status, body, events) as (
    select case
            when (c.row).id is not null then 'created'
            when :row ->> 'version' is not null then 'conflict'
            when exists (
                select
                from billing.invoice_json j
                where j.id = :id
                    and vg.visible(:callerRole, :callerId, :callerCompany, j.customer_id, j.issuer, j.company_id)) then 'invoice_issued'
            else 'not_found'
        end,
        case when (c.row).id is not null then billing.draft_json_of(c.row) end,
        null::jsonb
    from (select) as one
    left join changed c on true
)
select * from answer;
