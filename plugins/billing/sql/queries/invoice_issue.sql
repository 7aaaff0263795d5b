-- in: sessionId, operatorId, customerId, companyId, country, startTime, endTime, energyKwh, invoice
-- out: ok
-- One invoice for a session, whatever is told how often. Nothing to pay (or
-- nobody to pay it to) makes none, and draws no number.
with issued as (
    select billing.invoice_issue('SESSION', :sessionId, '', :operatorId, :customerId, :companyId, :invoice,
        jsonb_build_object('country', :country, 'from', :startTime, 'to', :endTime, 'energyKwh', :energyKwh),
        :now, :correlationId) as event
), answer (status, body, events) as (
    select 'ok', null::json, case when i.event is not null then jsonb_build_array(i.event) end
    from issued i
)
select * from answer;
