-- in: erasureId, customerId, round
-- out: ok; customer.erased.v1
-- Invoices stand for as long as the law wants them, with the customer's id.
with kept as (
    select count(*) as invoices
    from billing.invoice i
    where i.customer_id = :customerId
), answer (status, body, events) as (
    select 'ok', null::json, jsonb_build_array(jsonb_build_object(
        'type', 'customer.erased.v1',
        'aggregateId', :customerId,
        'payload', jsonb_build_object(
            'erasureId', :erasureId,
            'plugin', 'billing',
            'round', :round,
            'status', 'DONE',
            'erased', jsonb_build_array(
                jsonb_build_object('what', 'answer', 'rows', vg.answers_forgotten(:customerId))),
            'kept', jsonb_build_array(jsonb_build_object('what', 'invoice', 'rows', k.invoices)),
            'open', '[]'::jsonb)))
    from kept k
)
select * from answer;
