-- Invoices: numbered without gaps for each issuer, never changed once issued.

-- The counter moves in the commit of the invoice, so a number that is drawn
-- is used. Whoever draws holds this row until then. What locks more: issuer,
-- payer, accounts, invoice, in this order.
create table billing.issuer (
    issuer      text   not null,            -- the operator's company
    prefix      text   not null default 'INV-',
    last_number bigint not null default 0,
    credit_prefix text not null default 'CN-',
    last_credit bigint not null default 0,  -- of its credit notes
    constraint issuer_pkey primary key (issuer)
);

create table billing.invoice (
    id          uuid        not null,
    issuer      text        not null,
    sequence    bigint      not null,
    number      text        not null,
    subject_kind text       not null,       -- SESSION, RESERVATION, SUBSCRIPTION, MANUAL, PARKING
    subject_id  uuid        not null,       -- of MANUAL its own id
    part        text        not null,       -- which of the subject's: a cycle; '' where it has one
    customer_id text,
    company_id  text,
    payer       text,                       -- NULL: nobody is known
    currency    text        not null,
    minor_units int         not null,       -- digits behind the point
    net         numeric     not null,
    tax         numeric     not null,
    total       numeric     not null,
    paid        numeric     not null default 0,     -- less what was given back
    credited    numeric     not null default 0,     -- by credit notes
    status      text        not null generated always as (case
        when credited = total then 'CREDITED'
        when paid + credited >= total then 'PAID'
        else 'ISSUED'
    end) stored,
    tax_unknown boolean     not null,       -- taxed at 0 for want of a rate
    country     text,
    supplied_from timestamptz,
    supplied_to   timestamptz,
    energy_kwh  numeric,
    issued_at   timestamptz not null,
    due_at      timestamptz,                -- NULL: it is not settled yet
    since       int         not null default 1,     -- its version when it was issued: a draft's goes on
    version     int         not null default 1,
    constraint invoice_pkey primary key (id),
    constraint invoice_number unique (issuer, sequence),
    constraint invoice_subject unique (subject_id, subject_kind, part),
    constraint invoice_kind check (subject_kind in ('SESSION', 'RESERVATION', 'SUBSCRIPTION', 'MANUAL', 'PARKING')),
    constraint invoice_total check (total = net + tax),
    constraint invoice_paid check (paid >= 0 and credited between 0 and total)
);
create index invoice_customer on billing.invoice (customer_id, id);
create index invoice_company on billing.invoice (company_id, id);
create index invoice_issuer on billing.invoice (issuer, id);
create index invoice_age on billing.invoice (coalesce(country, ''), issued_at);

create table billing.invoice_line (
    invoice_id  uuid    not null,
    position    int     not null,
    kind        text    not null,           -- ENERGY, TIME, PARKING_TIME, FLAT, RESERVATION, SUBSCRIPTION, MANUAL …
    type        text    not null,           -- OCPI's dimension, MIN_PRICE, MAX_PRICE; else the kind
    text        text,                       -- what a person wrote
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
    credited_base   numeric not null default 0,     -- by credit notes
    credited_amount numeric not null default 0,
    constraint credit_too_high check (abs(credited_base) <= abs(base) and credited_base * base >= 0
        and abs(credited_amount) <= abs(amount) and credited_amount * amount >= 0),
    constraint invoice_tax_pkey primary key (invoice_id, rate),
    constraint invoice_tax_invoice foreign key (invoice_id) references billing.invoice (id)
);


-- What was issued stays: of an invoice only what is paid, credited and due may
-- move, its parts never, and none is added after the transaction that issued
-- it. It goes as a whole, and not within the five years that the mildest law
-- wants; by which it goes is invoice_retire.sql's. Each update counts the
-- version on, so the version `since` tells a row that was inserted by this
-- transaction from one that was updated by it.
create function billing.invoice_stands() returns trigger
language plpgsql as $$
declare
    moving constant text[] := '{paid,credited,status,due_at,version}';
begin
    if tg_op = 'UPDATE'
        and new.version = old.version + 1
        and new.credited >= old.credited
        and (old.due_at is null or new.due_at = old.due_at)
        and to_jsonb(new) - moving = to_jsonb(old) - moving
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
declare
    credits constant text[] := '{credited_base,credited_amount}';   -- of a tax; a line has none
begin
    if tg_op = 'INSERT' and exists (
        select
        from billing.invoice i
        where i.id = new.invoice_id
            and i.version = i.since
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
    if tg_op = 'UPDATE' and to_jsonb(new) - credits = to_jsonb(old) - credits
        and (to_jsonb(new) ->> 'credited_base')::numeric >= (to_jsonb(old) ->> 'credited_base')::numeric
        and (to_jsonb(new) ->> 'credited_amount')::numeric >= (to_jsonb(old) ->> 'credited_amount')::numeric
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


-- invoice_told(type, invoice): the event that tells of it
create function billing.invoice_told(type text, told billing.invoice) returns jsonb
language sql stable parallel safe
return jsonb_build_object(
    'type', type,
    'aggregateId', (told).id::text,
    'payload', jsonb_build_object(
        'invoiceId', (told).id,
        'number', (told).number,
        'issuer', (told).issuer,
        'operatorId', (told).issuer,
        'subjectKind', (told).subject_kind,
        'subjectId', (told).subject_id,
        'sessionId', case when (told).subject_kind = 'SESSION' then (told).subject_id end,
        'customerId', (told).customer_id,
        'companyId', (told).company_id,
        'status', (told).status,
        'total', (told).total,
        'paid', (told).paid,
        'credited', (told).credited,
        'currency', (told).currency));

-- number_drawn(issuer): its row with the next number, locked until the commit
create function billing.number_drawn(issuer text) returns billing.issuer
language plpgsql as $$
declare
    drawn billing.issuer;
begin
    insert into billing.issuer as i (issuer, last_number)
    values (number_drawn.issuer, 1)
    on conflict on constraint issuer_pkey do update
    set last_number = i.last_number + 1
    returning i.* into drawn;
    return drawn;
end
$$;

-- number_of(prefix, sequence)
create function billing.number_of(prefix text, sequence bigint) returns text
language sql immutable parallel safe
return prefix || lpad(sequence::text, greatest(8, length(sequence::text)), '0');

-- invoice_issue(subject_kind, subject_id, part, issuer, customer_id,
-- company_id, invoice, supplied, at, correlation): issues an invoice, once for
-- a subject and part, and returns the event that tells of it; NULL where it
-- was issued before, where there is nothing to pay (invoice NULL) or nobody to
-- pay it to. invoice: as invoice.h has it; supplied: {country, from, to,
-- energyKwh}, any of which may be missing. Each look is made with the
-- issuer's counter locked, so all invoices of an issuer stand in a row. Who
-- calls it has no exception block around: that has a transaction id of its own,
-- and the lines would come after the transaction that issued.
create function billing.invoice_issue(subject_kind text, subject_id uuid, part text, issuer text, customer_id text,
    company_id text, invoice jsonb, supplied jsonb, at timestamptz, correlation text, since int default 1) returns jsonb
language plpgsql as $$
declare
    drawn billing.issuer;
    made  billing.invoice;
begin
    if invoice is null or issuer is null then
        return null;
    end if;
    perform
    from billing.issuer as i
    where i.issuer = invoice_issue.issuer
    for update;
    if exists (
        select
        from billing.invoice as v
        where v.subject_id = invoice_issue.subject_id
            and v.subject_kind = invoice_issue.subject_kind
            and v.part = invoice_issue.part)
    then
        return null;
    end if;
    drawn := billing.number_drawn(issuer);
    insert into billing.invoice as v (id, issuer, sequence, number, subject_kind, subject_id, part, customer_id,
        company_id, payer, currency, minor_units, net, tax, total, tax_unknown, country, supplied_from, supplied_to,
        energy_kwh, issued_at, since, version)
    values (case when invoice_issue.subject_kind = 'MANUAL' then invoice_issue.subject_id else vg.uuid7() end,
        drawn.issuer, drawn.last_number, billing.number_of(drawn.prefix, drawn.last_number),
        invoice_issue.subject_kind, invoice_issue.subject_id, invoice_issue.part, invoice_issue.customer_id,
        invoice_issue.company_id, billing.payer_of(invoice_issue.customer_id, invoice_issue.company_id),
        invoice ->> 'currency', (invoice ->> 'minorUnits')::int, (invoice ->> 'net')::numeric,
        (invoice ->> 'tax')::numeric, (invoice ->> 'total')::numeric, (invoice ->> 'taxUnknown')::boolean,
        supplied ->> 'country', (supplied ->> 'from')::timestamptz, (supplied ->> 'to')::timestamptz,
        (supplied ->> 'energyKwh')::numeric, at, invoice_issue.since, invoice_issue.since)
    returning v.* into made;

    insert into billing.invoice_line (invoice_id, position, kind, type, text, reservation, unit, price, volume,
        tax_rate, amount)
    select made.id, l.position,
        coalesce(l.value ->> 'kind', case when l.value ->> 'reservation' is null then l.value ->> 'type' else 'RESERVATION' end),
        l.value ->> 'type', l.value ->> 'text', l.value ->> 'reservation', l.value ->> 'unit',
        (l.value ->> 'price')::numeric, (l.value ->> 'volume')::numeric,
        (l.value ->> 'taxRate')::numeric, (l.value ->> 'amount')::numeric
    from jsonb_array_elements(invoice -> 'lines') with ordinality as l (value, position);

    insert into billing.invoice_tax (invoice_id, rate, base, amount)
    select made.id, (t.value ->> 'rate')::numeric, (t.value ->> 'base')::numeric, (t.value ->> 'amount')::numeric
    from jsonb_array_elements(invoice -> 'taxes') as t (value);

    perform billing.moves(array[
        billing.booking('INVOICE', made.id, 'net', made.payer, 'REVENUE', made.issuer, made.net, made.currency),
        billing.booking('INVOICE', made.id, 'tax', made.payer, 'TAX', made.issuer, made.tax, made.currency)],
        at, correlation);
    return billing.invoice_told('invoice.created.v1', made);
end
$$;

-- invoice_paid(invoice, amount, at): says that an amount of it was paid (below
-- zero: given back), and returns the events that tell of it, as an array; NULL
-- where there is none such. The ledger's movement to RECEIVABLE is who calls
-- it's, and comes first. What is paid beyond what is owed (a card and a credit
-- note that met) goes to the payer's credit at once.
create function billing.invoice_paid(invoice uuid, amount numeric, at timestamptz) returns jsonb
language plpgsql as $$
declare
    was    billing.invoice;
    stands billing.invoice;
    beyond numeric;
begin
    select i.* into was
    from billing.invoice as i
    where i.id = invoice_paid.invoice
    for update;
    if was.id is null or amount = 0 then
        return null;
    end if;
    beyond := greatest(0, least(amount, was.paid + was.credited + amount - was.total));
    if beyond > 0 then
        perform billing.move('REFUND', was.id, 'beyond-' || was.version, 'RECEIVABLE', was.payer, 'CREDIT', was.payer,
            beyond, was.currency, at, was.id::text);
    end if;
    update billing.invoice as i
    set paid = i.paid + invoice_paid.amount - beyond,
        version = i.version + 1
    where i.id = was.id
    returning i.* into stands;
    return jsonb_build_array(billing.invoice_told('invoice.updated.v1', stands))
        || case
            when stands.status = 'PAID' and was.status = 'ISSUED'
                then jsonb_build_array(billing.invoice_told('invoice.paid.v1', stands))
            else '[]'
        end;
end
$$;


create view billing.invoice_json as
select i.id,
    i.issuer,
    i.subject_kind,
    i.subject_id,
    i.customer_id,
    i.company_id,
    case when i.status = 'ISSUED' and i.due_at < now() then 'OVERDUE' else i.status end as status,
    i.issued_at,
    i.version,
    json_build_object(
        'id', i.id,
        'number', i.number,
        'issuer', i.issuer,
        'subjectKind', i.subject_kind,
        'subjectId', i.subject_id,
        'part', i.part,
        'sessionId', case when i.subject_kind = 'SESSION' then i.subject_id end,
        'customerId', i.customer_id,
        'companyId', i.company_id,
        'status', case when i.status = 'ISSUED' and i.due_at < now() then 'OVERDUE' else i.status end,
        'currency', i.currency,
        'lines', (
            select coalesce(json_agg(json_build_object(
                'position', l.position,
                'kind', l.kind,
                'type', l.type,
                'text', l.text,
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
        'paid', i.paid,
        'credited', i.credited,
        'taxUnknown', i.tax_unknown,
        'country', i.country,
        'suppliedFrom', vg.z(i.supplied_from),
        'suppliedTo', vg.z(i.supplied_to),
        'energyKwh', i.energy_kwh,
        'issuedAt', vg.z(i.issued_at),
        'dueAt', vg.z(i.due_at),
        'version', i.version
    ) as body
from billing.invoice i;
