-- in: subscriptionId
-- out: ok; subscription.created.v1
-- refuses: subscription_over
with made as materialized (
    select billing.subscription_append(s.id, s.version, 'ACTIVATED', '{}', 'system', :now, :correlationId) as state
    from billing.subscription s
    where s.id = :subscriptionId
        and s.status = 'PENDING'
), answer (status, body, events) as (
    select case when m.state is null then 'subscription_over' else 'ok' end,
        null::json,
        case
            when m.state is not null
            then jsonb_build_array(billing.subscription_event('subscription.created.v1', :subscriptionId, m.state))
        end
    from (values (true)) as one (row)
    left join made m on true
)
select * from answer;
