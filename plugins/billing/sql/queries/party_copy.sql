-- in: customers, companies; outcome: {customers, companies}, those of them that accounts knows; null: it is away
-- out: ok; who was asked for stands on its invoices, be it by its id alone
with known as materialized (
    select 'customer' as kind, k.value ->> 'id' as id, k.value as shown
    from jsonb_array_elements(coalesce(:outcome -> 'customers', '[]')) as k (value)
    union all
    select 'company', k.value ->> 'id', k.value
    from jsonb_array_elements(coalesce(:outcome -> 'companies', '[]')) as k (value)
), asked as materialized (
    select 'customer' as kind, a.id
    from jsonb_array_elements_text(:customers) as a (id)
    union all
    select 'company', a.id
    from jsonb_array_elements_text(:companies) as a (id)
), named as materialized (
    select a.kind, a.id, coalesce(k.shown, jsonb_build_object('id', a.id)) as shown
    from asked as a
    left join known as k on k.kind = a.kind and k.id = a.id
    where :outcome is not null and jsonb_typeof(:outcome) = 'object'
), open as materialized (
    select p.invoice_id,
        coalesce(p.seller, s.shown) as seller,
        coalesce(p.buyer, b.shown) as buyer
    from (
        select o.invoice_id, o.seller, o.buyer
        from billing.invoice_party as o
        where o.seller is null or o.buyer is null
        order by o.invoice_id
        limit 800) as p
    join billing.invoice as i on i.id = p.invoice_id
    left join named as s on s.kind = 'company' and s.id = i.issuer
    left join named as b on b.kind = case when i.company_id is null then 'customer' else 'company' end
        and b.id = coalesce(i.company_id, i.customer_id)
), written as (
    update billing.invoice_party as p
    set seller = o.seller,
        buyer = o.buyer
    from open as o
    where p.invoice_id = o.invoice_id
        and (p.seller is null and o.seller is not null or p.buyer is null and o.buyer is not null)
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
