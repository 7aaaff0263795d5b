-- in: id
-- out: accepted, the subscription
-- refuses: not_found
-- Of one that is stuck what is due is tried again now.
with found as (
    update billing.subscription s
    set stuck = s.stuck - 'parked'
    where s.id = :id
        and s.stuck is not null
        and vg.visible(:callerRole, :callerId, :callerCompany, s.customer_id, s.issuer, s.company_id)
    returning s.id
), tried as (
    insert into vg.job (plugin, kind, key, payload, correlation_id)
    select :vgPlugin, 'subscription.renew', f.id::text, jsonb_build_object('subscriptionId', f.id), :correlationId
    from found f
    on conflict do nothing
), answer (status, body, events) as (
    select case when j.id is null then 'not_found' else 'accepted' end,
        j.body,
        null::jsonb
    from (select) as one
    left join billing.subscription_json j on j.id = :id
        and vg.visible(:callerRole, :callerId, :callerCompany, j.customer_id, j.issuer, j.company_id)
)
select * from answer;
