-- in: reservationId, operatorId, customerId, companyId, country, startTime, invoice
-- out: ok
-- One invoice for a reservation's fee, which its end made due. Without one what
-- was held for it is let go. (What that is on a card leaves a row in vg.job: see
-- billing.intent_push().)
with issued as (
    select billing.invoice_issue('RESERVATION', :reservationId, '', :operatorId, :customerId, :companyId, :invoice,
        jsonb_build_object('country', :country, 'from', :startTime, 'to', :eventTime), :now, :correlationId) as event
), freed as materialized (
    select billing.hold_over(:reservationId, :invoice is not null, :now, :correlationId)
), answer (status, body, events) as (
    select 'ok', null::json, case when i.event is not null then jsonb_build_array(i.event) end
    from issued i
    cross join freed f
)
select * from answer;
