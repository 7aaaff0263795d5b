-- in: id
-- out: accepted, the payment
-- refuses: not_found
-- Its provider is looked at, also where nothing more was expected of it: who
-- reconciles knows better.
with found as (
    update billing.intent i
    set doubt = true,
        version = i.version + 1
    where i.id = :id
        and vg.visible(:callerRole, :callerId, :callerCompany, i.customer_id, i.issuer, i.company_id)
    returning i.id
), pushed as (
    insert into vg.job (plugin, kind, key, payload, correlation_id)
    select :vgPlugin, 'payment.push', f.id::text, jsonb_build_object('intentId', f.id), :correlationId
    from found f
    on conflict do nothing
), answer (status, body, events) as (
    select case when j.id is null then 'not_found' else 'accepted' end,
        j.body,
        null::jsonb
    from (select) as one
    left join billing.intent_json j on j.id = :id
        and vg.visible(:callerRole, :callerId, :callerCompany, j.customer_id, j.issuer, j.company_id)
)
select * from answer;
