-- in: id, name, address, vatId, register, bank, iban, bic, email, footer, prefix
-- out: ok (created, the first time), what its invoices say of it from now on
-- refuses: not_found, precondition_failed, prefix_drawn
with may as (
    select
    where vg.visible(:callerRole, :callerId, :callerCompany, null, :id, null)
), written as (
    insert into billing.seller as s (issuer, name, address, vat_id, register, bank, iban, bic, email, footer)
    select :id, :name, :address, :vatId, :register, :bank, :iban, :bic, :email, :footer
    from may
    where :ifMatch is null
        or exists (
            select
            from billing.seller as o
            where o.issuer = :id)
    on conflict on constraint seller_pkey do update
    set name = excluded.name,
        address = excluded.address,
        vat_id = excluded.vat_id,
        register = excluded.register,
        bank = excluded.bank,
        iban = excluded.iban,
        bic = excluded.bic,
        email = excluded.email,
        footer = excluded.footer,
        version = s.version + 1
    where :ifMatch is null or s.version = any (:ifMatch)
    returning s as row
), counted as (
    insert into billing.issuer as i (issuer, prefix)
    select :id, :prefix
    from written
    where :prefix is not null
    on conflict on constraint issuer_pkey do update
    set prefix = excluded.prefix
    returning i as row
), answer (status, body, events) as (
    select
        case when (w.row).version = 1 then 'created' else 'ok' end,
        billing.issuer_body(:id, w.row, coalesce((select c.row from counted as c), (
            select i
            from billing.issuer as i
            where i.issuer = :id))),
        null::jsonb
    from written as w
    union all
    select case when exists (select from may) then 'precondition_failed' else 'not_found' end, null, null
    where not exists (select from written)
)
select * from answer;
