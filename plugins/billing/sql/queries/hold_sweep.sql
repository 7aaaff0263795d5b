-- in: nothing
-- out: ok
-- What is over and was not captured in time (a session without a price, a fee
-- without an invoice) is let go. Of what ought to be over by then, and was not
-- heard of, whose it is is asked, once a day. A card's part leaves a row in
-- vg.job: see billing.intent_push().
with due as materialized (
    select h.subject
    from billing.hold h
    where h.status in ('PENDING', 'HELD')
        and h.expires_at <= :now
        and h.over_at is not null
    order by h.expires_at
    limit 100
), released as materialized (
    select billing.hold_release(d.subject, :now, :correlationId)
    from due d
), stray as (
    update billing.hold h
    set expires_at = :now + interval '1 day'
    where h.id = any (array(
        select o.id
        from billing.hold o
        where o.status in ('PENDING', 'HELD')
            and o.expires_at <= :now
            and o.over_at is null
        order by o.expires_at
        limit 100))
    returning h.subject,
        h.subject_kind
), asked as (
    insert into vg.job (plugin, kind, key, payload, correlation_id)
    select :vgPlugin, 'billing.hold_stray', s.subject::text,
        jsonb_build_object('subject', s.subject, 'subjectKind', s.subject_kind), :correlationId
    from stray s
    on conflict do nothing
), answer (status, body, events) as (
    select 'ok', to_json(count(*)), null::jsonb
    from released
)
select * from answer;
