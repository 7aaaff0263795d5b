-- in: nothing
-- out: ok; payments that are known now, of which was heard before
with late as materialized (
    select w.id, i.id as intent_id
    from billing.webhook w
    join billing.intent i on i.provider = w.provider and i.provider_ref = w.ref
    where w.intent_id is null
        and w.received_at > :now - interval '3 days'
    order by w.id
    limit 500
), found as (
    update billing.webhook w
    set intent_id = l.intent_id
    from late l
    where w.id = l.id
        and w.intent_id is null
    returning w.id, w.intent_id, w.type
), doubted as (
    update billing.intent i
    set doubt = true,
        disputed = coalesce((
            select max(f.type)
            from found f
            where f.intent_id = i.id
                and f.type like '%dispute%'), i.disputed),
        version = i.version + 1
    where i.id = any (array(
        select f.intent_id
        from found f))
), pushed as (
    insert into vg.job (plugin, kind, key, payload, correlation_id)
    select :vgPlugin, 'payment.push', f.intent_id || '/heard/' || f.id,
        jsonb_build_object('intentId', f.intent_id), :correlationId
    from found f
    on conflict do nothing
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
