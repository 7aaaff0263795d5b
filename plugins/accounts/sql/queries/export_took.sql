-- in: exportId, customerId, plugin, number, tries, plugins (who is to be asked); :outcome, the page, or that the plugin cannot be asked
-- out: ok; the next page is a job of its own, and so is another try: after 2 s, doubling to 5 min
with took as materialized (
    select accounts.export_took(:exportId, :plugin, :number, :outcome, :plugins, :now) as more,
        :outcome ->> 'away' is not null as away
), job as (
    insert into vg.job (plugin, kind, payload, correlation_id, traceparent, next_at)
    select
        :vgPlugin, 'customer.export',
        jsonb_build_object(
            'exportId', :exportId,
            'customerId', :customerId,
            'plugin', :plugin,
            'number', case when t.away then :number else :number + 1 end,
            'after', case when t.away then :after else :outcome ->> 'next' end,
            'tries', case when t.away then least(:tries + 1, 9) else 0 end),
        :correlationId, :vgTraceparent,
        case when t.away then :now + least(interval '5 minutes', interval '1 second' * power(2, :tries + 1)) else :now end
    from took as t
    where t.more
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
    from took
)
select * from answer;
