-- in: amount, currency, methodId, capture, invoiceId, customerId, companyId
-- out: accepted, the payment; what becomes of it is told, and shown
-- refuses: not_found, forbidden, unprocessable, more_than_owed, payment_running, payment_required, amount_too_fine
--
-- Without an invoice who pays is who calls, or whom an admin names. An invoice
-- is paid by its own payer, whoever of those who see it asks. The job that asks
-- the provider is billing.intent_open()'s: vg.job.
with owed as materialized (
    select i.id, i.customer_id, i.company_id, i.issuer, i.currency, i.total - i.paid - i.credited as amount
    from billing.invoice i
    where i.id = :invoiceId
        and i.status = 'ISSUED'
        and vg.visible(:callerRole, :callerId, :callerCompany, i.customer_id, i.issuer, i.company_id)
), who as materialized (
    select case when :callerRole = 'driver' then :callerId when :callerRole = 'admin' then :customerId end as customer_id,
        case when :callerRole = 'fleet_manager' then nullif(:callerCompany, '') when :callerRole = 'admin' then :companyId end
            as company_id,
        null as issuer
    where :invoiceId is null
    union all
    select o.customer_id, o.company_id, o.issuer
    from owed o
), refusal as materialized (
    select case
            when :invoiceId is not null and not exists (select from owed o) then 'not_found'
            when :callerRole <> 'admin' and (
                coalesce(:customerId, w.customer_id) is distinct from w.customer_id
                or coalesce(:companyId, w.company_id) is distinct from w.company_id) then 'forbidden'
            when coalesce(w.customer_id, w.company_id) is null
                then case when :callerRole = 'admin' then 'unprocessable' else 'forbidden' end
            when (select o.currency from owed o) <> :currency then 'unprocessable'
            when (select o.amount from owed o) < :amount then 'more_than_owed'
            when :invoiceId is not null and exists (
                select
                from billing.intent i
                where i.subject = :invoiceId
                    and i.purpose = 'INVOICE'
                    and i.status in ('PENDING', 'AUTHORISED')
                    and i.wanted <> 'CANCELLED') then 'payment_running'
        end as name
    from (select) as one
    left join who w on true
), opened as materialized (
    select billing.intent_open(:newId, case when :invoiceId is null then 'CHARGE' else 'INVOICE' end,
            coalesce(:invoiceId, :newId), (billing.payer_known(w.customer_id, w.company_id)).id, w.customer_id, w.company_id,
            w.issuer, :methodId, :amount, :currency, case when coalesce(:capture, true) then 'CAPTURED' else 'AUTHORISED' end, :now,
            :correlationId)
    from who w
    cross join refusal r
    where r.name is null
), answer (status, body, events) as (
    select coalesce(r.name, 'accepted'),
        case when r.name is null then billing.intent_shown(:newId, (select count(*) from opened o)) end,
        null::jsonb
    from refusal r
)
select * from answer;
