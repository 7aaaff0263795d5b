-- in: id, deliveryId
-- out: accepted, the delivery, which is told once more, with its row in vg.job
-- refuses: not_found
with again as (
    update notifications.webhook_delivery as d
    set status = 'QUEUED',
        tries = 0
    from notifications.webhook as w
    where d.id = :deliveryId
        and d.webhook_id = w.id
        and w.id = :id
        and notifications.owned(w.company_id, :callerRole, :callerCompany)
    returning d as row
), later as materialized (
    select a.row, notifications.later('webhook.deliver', (a.row).id || '/' || :newId, jsonb_build_object('deliveryId', (a.row).id), null,
        :correlationId)
    from again as a
), answer (status, body, events) as (
    select 'accepted', notifications.webhook_delivery_body(l.row), null::jsonb
    from later as l
    union all
    select 'not_found', null, null
    where not exists (select from again)
)
select * from answer;
