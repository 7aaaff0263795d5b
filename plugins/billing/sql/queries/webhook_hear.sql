-- in: provider, event, digest, type, ref, intent
-- out: empty; the payment that it is about is looked at, once for one event
-- It says that the provider knows more (doubt); what that is, the push asks.
-- What is about no payment of ours is kept for a while: see webhook_find.sql.
with known as materialized (
    select i.id
    from billing.intent i
    where i.provider = :provider
        and (i.id = :intent or i.provider_ref = :ref)
    order by i.id = :intent desc nulls last
    limit 1
), heard as (
    insert into billing.webhook (id, provider, event, digest, type, ref, intent_id, received_at)
    select :newId, :provider, :event, :digest, :type, :ref, (select k.id from known k), :now
    on conflict do nothing
    returning intent_id
), doubted as (
    update billing.intent i
    set doubt = true,
        disputed = case when :type like '%dispute%' then :type else i.disputed end,
        version = i.version + 1
    from heard h
    where i.id = h.intent_id
), pushed as (
    insert into vg.job (plugin, kind, key, payload, correlation_id)
    select :vgPlugin, 'payment.push', h.intent_id || '/heard/' || :newId,
        jsonb_build_object('intentId', h.intent_id), :correlationId
    from heard h
    where h.intent_id is not null
    on conflict do nothing
), answer (status, body, events) as (
    select 'empty', null::json, null::jsonb
)
select * from answer;
