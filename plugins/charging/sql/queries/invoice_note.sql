-- in: invoiceId, sessionId
-- out: ok
with noted as (
    update charging.session
    set invoice_id = :invoiceId,
        version = version + 1
    where id = :sessionId
        and invoice_id is null
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
