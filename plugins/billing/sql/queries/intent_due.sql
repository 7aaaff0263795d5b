-- in: nothing
-- out: ok
-- What is not settled and was not pushed for ten minutes has lost its job, or
-- its job died. One that has a job yet gets no other.
with due as (
    update billing.intent i
    set pushed_at = :now
    where i.id = any (array(
        select o.id
        from billing.intent o
        where not o.settled
            and o.pushed_at < :now - interval '10 minutes'
        order by o.pushed_at
        limit 500))
        and not i.settled
    returning i.id
), pushed as (
    insert into vg.job (plugin, kind, key, payload, correlation_id)
    select :vgPlugin, 'payment.push', d.id::text, jsonb_build_object('intentId', d.id), :correlationId
    from due d
    on conflict do nothing
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
