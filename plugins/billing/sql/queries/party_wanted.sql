-- in: nothing
-- out: ok; a job that asks accounts for the names that invoices lack, unless there is one
with open as (
    select i.issuer, p.seller is null as sells, i.customer_id, i.company_id, p.buyer is null as buys
    from billing.invoice_party as p
    join billing.invoice as i on i.id = p.invoice_id
    where p.seller is null or p.buyer is null
    order by p.invoice_id
    limit 400
), customer as (
    select distinct o.customer_id as id
    from open as o
    where o.buys and o.company_id is null
), company as (
    select o.issuer as id
    from open as o
    where o.sells
    union
    select o.company_id
    from open as o
    where o.buys and o.company_id is not null
), asked as (
    insert into vg.job (plugin, kind, key, payload, correlation_id)
    select :vgPlugin, 'party.copy', 'party.copy', jsonb_build_object(
        'customers', (select coalesce(jsonb_agg(c.id), '[]') from customer as c),
        'companies', (select coalesce(jsonb_agg(c.id), '[]') from company as c)), :correlationId
    where exists (select from open)
    on conflict do nothing
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
