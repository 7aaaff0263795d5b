-- Invoices: numbered without gaps for each issuer, never changed once issued.

-- The counter moves in the commit of the invoice, so a number that is drawn
-- is used. Whoever draws holds this row until then.
create table billing.issuer (
    issuer      text   not null,            -- the operator's company
    prefix      text   not null default 'INV-',
    last_number bigint not null default 0,
    constraint issuer_pkey primary key (issuer)
);

create table billing.invoice (
    id          uuid        not null,
    issuer      text        not null,
    sequence    bigint      not null,
    number      text        not null,
    session_id  uuid        not null,
    customer_id text,
    company_id  text,
    status      text        not null default 'ISSUED',
    currency    text        not null,
    minor_units int         not null,       -- digits behind the point
    net         numeric     not null,
    tax         numeric     not null,
    total       numeric     not null,
    tax_unknown boolean     not null,       -- taxed at 0 for want of a rate
    country     text,
    supplied_from timestamptz,
    supplied_to   timestamptz,
    energy_kwh  numeric,
    issued_at   timestamptz not null,
    version     int         not null default 1,
    constraint invoice_pkey primary key (id),
    constraint invoice_number unique (issuer, sequence),
    constraint invoice_session unique (session_id),
    constraint invoice_status check (status in ('ISSUED')),
    constraint invoice_total check (total = net + tax)
);
create index invoice_customer on billing.invoice (customer_id, id);
create index invoice_company on billing.invoice (company_id, id);
create index invoice_issuer on billing.invoice (issuer, id);
create index invoice_age on billing.invoice (coalesce(country, ''), issued_at);

create table billing.invoice_line (
    invoice_id  uuid    not null,
    position    int     not null,
    type        text    not null,           -- OCPI's dimension, MIN_PRICE, MAX_PRICE
    reservation text,
    unit        text,
    price       numeric,                    -- of one unit, excluding tax
    volume      numeric,
    tax_rate    numeric not null,           -- per cent
    amount      numeric not null,           -- excluding tax
    constraint invoice_line_pkey primary key (invoice_id, position),
    constraint invoice_line_invoice foreign key (invoice_id) references billing.invoice (id)
);

create table billing.invoice_tax (
    invoice_id  uuid    not null,
    rate        numeric not null,           -- per cent
    base        numeric not null,
    amount      numeric not null,
    constraint invoice_tax_pkey primary key (invoice_id, rate),
    constraint invoice_tax_invoice foreign key (invoice_id) references billing.invoice (id)
);


-- What was issued stays: of an invoice only status and version may move, its
-- parts never, and none is added after the transaction that issued it. It goes
-- as a whole, and not within the five years that the mildest law wants; by
-- which it goes is invoice_retire.sql's. Each
-- update counts the version on, so version 1 tells a row that was inserted
-- by this transaction from one that was updated by it.
create function billing.invoice_stands() returns trigger
language plpgsql as $$
begin
    if tg_op = 'UPDATE'
        and new.version = old.version + 1
        and to_jsonb(new) - '{status,version}'::text[] = to_jsonb(old) - '{status,version}'::text[]
    then
        return new;
    end if;
    if tg_op = 'DELETE' and old.issued_at < now() - interval '5 years' then
        return old;
    end if;
    raise exception 'an issued invoice does not change'
        using errcode = '23514', constraint = 'conflict';
end
$$;
create trigger invoice_stands before update or delete on billing.invoice
    for each row execute function billing.invoice_stands();

create function billing.invoice_part_stands() returns trigger
language plpgsql as $$
begin
    if tg_op = 'INSERT' and exists (
        select
        from billing.invoice i
        where i.id = new.invoice_id
            and i.version = 1
            and i.xmin = pg_current_xact_id()::xid)
    then
        return null;
    end if;
    if tg_op = 'DELETE' and not exists (
        select
        from billing.invoice i
        where i.id = old.invoice_id)
    then
        return null;
    end if;
    raise exception 'an issued invoice does not change'
        using errcode = '23514', constraint = 'conflict';
end
$$;
-- after: the invoice is written by the same statement
create trigger invoice_line_stands after insert or update or delete on billing.invoice_line
    for each row execute function billing.invoice_part_stands();
create trigger invoice_tax_stands after insert or update or delete on billing.invoice_tax
    for each row execute function billing.invoice_part_stands();


create view billing.invoice_json as
select i.id,
    i.issuer,
    i.session_id,
    i.customer_id,
    i.company_id,
    i.status,
    i.version,
    json_build_object(
        'id', i.id,
        'number', i.number,
        'issuer', i.issuer,
        'sessionId', i.session_id,
        'customerId', i.customer_id,
        'companyId', i.company_id,
        'status', i.status,
        'currency', i.currency,
        'lines', (
            select coalesce(json_agg(json_build_object(
                'position', l.position,
                'type', l.type,
                'reservation', l.reservation,
                'unit', l.unit,
                'price', l.price,
                'volume', l.volume,
                'taxRate', l.tax_rate,
                'amount', l.amount) order by l.position), '[]')
            from billing.invoice_line l
            where l.invoice_id = i.id),
        'taxes', (
            select coalesce(json_agg(json_build_object(
                'rate', t.rate,
                'base', t.base,
                'amount', t.amount) order by t.rate desc), '[]')
            from billing.invoice_tax t
            where t.invoice_id = i.id),
        'net', i.net,
        'tax', i.tax,
        'total', i.total,
        'taxUnknown', i.tax_unknown,
        'country', i.country,
        'suppliedFrom', vg.z(i.supplied_from),
        'suppliedTo', vg.z(i.supplied_to),
        'energyKwh', i.energy_kwh,
        'issuedAt', vg.z(i.issued_at),
        'version', i.version
    ) as body
from billing.invoice i;
