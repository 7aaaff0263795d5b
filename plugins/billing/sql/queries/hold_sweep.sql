-- in: nothing
-- out: ok
-- What is over and was not captured in time (a session without a price, a fee
-- without an invoice) is let go. A card's part leaves a row in vg.job: see
-- billing.hold_wish().
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
), answer (status, body, events) as (
    select 'ok', to_json(count(*)), null::jsonb
    from released
)
select * from answer;
