-- Between whom an invoice is: what an issuer says of itself, and the names and
-- addresses that an invoice had when it was issued.

-- As it is to stand on invoices from now on.
create table billing.seller (
    issuer      text not null,
    name        text not null,              -- its legal name
    address     jsonb,                      -- street, city, postalCode, country
    vat_id      text,
    register    text,                       -- which one, and its number there
    bank        text,
    iban        text,
    bic         text,
    email       text,
    footer      text,                       -- whatever else its invoices have to say
    version     int  not null default 1,
    constraint seller_pkey primary key (issuer)
);

-- seller_shown(seller): as invoices keep it
create function billing.seller_shown(s billing.seller) returns jsonb
language sql stable parallel safe
return jsonb_build_object(
    'id', (s).issuer,
    'name', (s).name,
    'address', (s).address,
    'vatId', (s).vat_id,
    'register', (s).register,
    'bank', (s).bank,
    'iban', (s).iban,
    'bic', (s).bic,
    'email', (s).email,
    'footer', (s).footer);


-- The prefix of numbers stands from the first one on.
create function billing.prefix_stands() returns trigger
language plpgsql as $$
begin
    if old.last_number > 0 then
        raise exception 'numbers were drawn under another prefix'
            using errcode = '23514', constraint = 'prefix_drawn';
    end if;
    return new;
end
$$;
create trigger issuer_prefix before update of prefix on billing.issuer
    for each row when (old.prefix is distinct from new.prefix)
    execute function billing.prefix_stands();


-- NULL: accounts is asked, some moments after the invoice was issued. Then it
-- stands, also when who it names is erased: the law wants it so.
create table billing.invoice_party (
    invoice_id uuid  not null,
    seller     jsonb,                       -- as seller_shown(), or as accounts knows the company
    buyer      jsonb,                       -- id, name, address, vatId, email: of those what is known
    constraint invoice_party_pkey primary key (invoice_id),
    constraint invoice_party_invoice foreign key (invoice_id) references billing.invoice (id) on delete cascade
);
create index invoice_party_open on billing.invoice_party (invoice_id) where seller is null or buyer is null;

create function billing.invoice_party_made() returns trigger
language plpgsql as $$
begin
    insert into billing.invoice_party (invoice_id, seller, buyer)
    select i.id,
        (
            select billing.seller_shown(s)
            from billing.seller as s
            where s.issuer = i.issuer),
        case when i.company_id is null and i.customer_id is null then '{}'::jsonb end
    from issued as i;
    return null;
end
$$;
create trigger invoice_party_made after insert on billing.invoice referencing new table as issued
    for each statement execute function billing.invoice_party_made();

create function billing.invoice_party_stands() returns trigger
language plpgsql as $$
begin
    if tg_op = 'UPDATE'
        and new.invoice_id = old.invoice_id
        and (old.seller is null or new.seller = old.seller)
        and (old.buyer is null or new.buyer = old.buyer)
    then
        return new;
    end if;
    if tg_op = 'DELETE' and not exists (
        select
        from billing.invoice i
        where i.id = old.invoice_id)
    then
        return old;
    end if;
    raise exception 'an issued invoice does not change'
        using errcode = '23514', constraint = 'conflict';
end
$$;
create trigger invoice_party_stands before update or delete on billing.invoice_party
    for each row execute function billing.invoice_party_stands();


-- issuer_body(issuer, seller, counter): as clients see it; of neither more than one row
create function billing.issuer_body(issuer text, s billing.seller, i billing.issuer) returns json
language sql stable parallel safe
return (billing.seller_shown(s) || jsonb_build_object(
    'id', issuer,
    'prefix', coalesce((i).prefix, 'INV-'),
    'lastNumber', coalesce((i).last_number, 0),
    'version', coalesce((s).version, 0)))::json;
