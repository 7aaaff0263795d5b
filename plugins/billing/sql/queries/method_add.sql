-- in: customer or company (whose it is), operator (that brings it), provider, token, brand, last4, expires, default
-- out: created, the method
-- refuses: not_found, method_known
--
-- What an operator brings is for a customer of its own, as accounts says
-- (:outcome). The first one is what the payer pays with.
with payer as materialized (
    select p.id, p.kind
    from billing.payer_known(:customer, :company) as p
    where :operator is null
        or :outcome -> 'customer' ->> 'operatorId' = :callerCompany
), made as (
    insert into billing.method as m (id, payer, operator_id, provider, token, brand, last4, expires, created_at)
    select :newId, p.id, :operator, :provider, :token, :brand, :last4, :expires, :now
    from payer p
    on conflict (payer, provider, token) where removed_at is null do nothing
    returning m as row
), chosen as materialized (
    select m.row,
        billing.method_default((m.row).payer, (m.row).id, case when :default then 'YES' else 'FIRST' end) as is_default
    from made m
), answer (status, body, events) as (
    select case
            when c.is_default is not null then 'created'
            when p.id is not null then 'method_known'
            else 'not_found'
        end,
        case when c.is_default is not null then billing.method_body(c.row, p.kind, c.is_default) end,
        null::jsonb
    from (select) as one
    left join payer p on true
    left join chosen c on true
)
select * from answer;
