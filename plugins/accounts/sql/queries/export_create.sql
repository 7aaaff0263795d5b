-- in: id, plugins (who is to be asked)
-- out: accepted, the export; one that is under way is the same
-- refuses: not_found, exports_too_many
--
-- again: another call began one meanwhile.
with customer as (
    select c.id, c.company_id
    from accounts.customer as c
    where c.id = :id
        and c.status <> 'ERASED'
        and accounts.customer_visible(c, :callerId, :callerRole, :callerCompany)
    union all
    select :id, null
    where :callerRole = 'driver'
        and :id = :callerId
        and not exists (
            select
            from accounts.customer as c
            where c.id = :id)
), running as (
    select e
    from accounts.export as e
    join customer as c on c.id = e.customer_id
    where e.status = 'RUNNING'
), kept as (
    select count(*) as exports
    from accounts.export as e
    where e.customer_id = :id
), made as (
    insert into accounts.export as e (id, customer_id, company_id, asked_by, asked_at)
    select :newId, c.id, c.company_id, :callerId, :now
    from customer as c
    cross join kept as k
    where k.exports < 10
        and not exists (select from running)
    on conflict (customer_id) where status = 'RUNNING' do nothing
    returning e
), asked as (
    insert into accounts.export_plugin (export_id, plugin)
    select :newId, p.value
    from made as m
    cross join jsonb_array_elements_text(:plugins) as p
    returning plugin
), job as (
    insert into vg.job (plugin, kind, payload, correlation_id, traceparent)
    select
        :vgPlugin, 'customer.export',
        jsonb_build_object('exportId', :newId, 'customerId', :id, 'plugin', p.value, 'number', 1, 'tries', 0),
        :correlationId, :vgTraceparent
    from made as m
    cross join jsonb_array_elements_text(:plugins) as p
), answer (status, body, events) as (
    select 'accepted', accounts.export_body(e.e, null, null, 0), null::jsonb
    from (
        select m.e from made as m
        union all
        select r.e from running as r) as e
    cross join (select count(*) from asked) as written
    union all
    select
        case
            when not exists (select from customer) then 'not_found'
            when k.exports >= 10 then 'exports_too_many'
            else 'again'
        end, null, null
    from kept as k
    where not exists (select from made)
        and not exists (select from running)
)
select * from answer;
