-- in: id, lines, amount, reason
-- out: created, the credit note
-- refuses: not_found, forbidden, unprocessable, credit_too_high
-- The jobs that ask the providers are billing.credit_refunds()'s: vg.job.
with target as (
    select j.id,
        :callerRole in ('operator', 'admin') as may,
        not exists (
            select
            from jsonb_array_elements(:lines) w (value)
            left join billing.invoice_line l on l.invoice_id = j.id and l.position = (w.value ->> 'position')::int
            where l.position is null
                or (w.value ->> 'amount')::numeric > l.amount
                or (w.value ->> 'amount')::numeric <> round((w.value ->> 'amount')::numeric, j.minor_units)) as known,
        :amount is null or :amount = round(:amount, j.minor_units) as fine
    from billing.invoice j
    where j.id = :id
        and vg.visible(:callerRole, :callerId, :callerCompany, j.customer_id, j.issuer, j.company_id)
), issued as materialized (
    select billing.credit_note_issue(:newId, t.id, :lines, :amount, :reason, :now, :correlationId) as told
    from target t
    where t.may
        and t.known
        and t.fine
), answer (status, body, events) as (
    select case
            when i.told is not null then 'created'
            when not t.may then 'forbidden'
            when t.id is not null then 'unprocessable'
            else 'not_found'
        end,
        case when i.told is not null then billing.credit_note_body(:newId) end,
        i.told
    from (select) as one
    left join target t on true
    left join issued i on true
)
select * from answer;
