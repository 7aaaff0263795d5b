-- in: reservationId, operatorId, customerId, companyId, country, startTime, invoice
-- out: ok
-- One invoice for a reservation's fee, which its end made due.
with issued as (
    select billing.invoice_issue('RESERVATION', :reservationId, '', :operatorId, :customerId, :companyId, :invoice,
        jsonb_build_object('country', :country, 'from', :startTime, 'to', :eventTime), :now, :correlationId) as event
), answer (status, body, events) as (
    select 'ok', null::json, case when i.event is not null then jsonb_build_array(i.event) end
    from issued i
)
select * from answer;
