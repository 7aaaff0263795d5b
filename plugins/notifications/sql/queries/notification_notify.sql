-- in: userId, companyId, channels, template, data, priority, key (what is the same is said once)
-- out: accepted, how many were made; each with its row in vg.job
with made as materialized (
    select notifications.notify(
        jsonb_build_object('userId', :userId, 'companyId', :companyId, 'channel', c.channel, 'template', :template,
            'priority', coalesce(:priority, 'NORMAL'), 'data', coalesce(:data, '{}')),
        'asked/' || :key || '/' || c.channel, null, null, :now, :correlationId) as id
    from jsonb_array_elements_text(:channels) as c (channel)
), answer (status, body, events) as (
    select 'accepted', json_build_object('made', count(m.id)), null::jsonb
    from made as m
)
select * from answer;
