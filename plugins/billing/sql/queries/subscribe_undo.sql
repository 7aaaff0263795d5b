-- in: subscriptionId, error
-- out: ok
-- It never was; or, where it had begun already, it is over.
with made as materialized (
    select s.status as was,
        billing.subscription_append(s.id, s.version, case s.status when 'PENDING' then 'FAILED' else 'CANCELLED' end,
            jsonb_build_object(
                'failure', coalesce(:error, 'failed'),
                'reason', case when s.status <> 'PENDING' then 'undone' end,
                'endedAt', vg.z(:now)),
            'system', :now, :correlationId) as state
    from billing.subscription s
    where s.id = :subscriptionId
        and s.status not in ('FAILED', 'CANCELLED')
), answer (status, body, events) as (
    select 'ok',
        null::json,
        (
            select jsonb_build_array(billing.subscription_event('subscription.cancelled.v1', :subscriptionId, m.state))
            from made m
            where m.was <> 'PENDING')
)
select * from answer;
