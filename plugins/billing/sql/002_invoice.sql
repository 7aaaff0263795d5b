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
    issued_by   xid8        not null default pg_catalog.pg_current_xact_id(),  -- the transaction
    version     int         not null default 1,     -- of what was a draft it goes on
    constraint invoice_pkey primary key (id),
    constraint invoice_number unique (issuer, sequence),
    constraint invoice_subject unique (subject_id, subject_kind, part),
    constraint invoice_kind check (subject_kind in ('SESSION', 'RESERVATION', 'SUBSCRIPTION', 'MANUAL', 'PARKING')),
    constraint invoice_total check (total = net + tax),
    constraint invoice_paid check (paid >= 0 and credited between 0 and total)
) with (fillfactor = 70);                   -- each is updated once or twice at once: on its own page, without its indexes
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
-- version on.
create function billing.invoice_stands() returns trigger
language plpgsql as $$
declare
    kept billing.invoice := new;
begin
    if tg_op = 'DELETE' then
        if old.issued_at < now() - interval '5 years' then
            return old;
        end if;
    elsif new.version = old.version + 1
        and new.credited >= old.credited
        and (old.due_at is null or new.due_at = old.due_at)
    then
        kept.paid := old.paid;
        kept.credited := old.credited;
        kept.status := old.status;
        kept.due_at := old.due_at;
        kept.version := old.version;
        if kept *= old then                 -- to the last byte
            return new;
        end if;
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
create trigger invoice_line_stands after update or delete on billing.invoice_line
    for each row execute function billing.invoice_part_stands();
create trigger invoice_tax_stands after update or delete on billing.invoice_tax
    for each row execute function billing.invoice_part_stands();

create function billing.invoice_part_added() returns trigger
language plpgsql as $$
begin
    -- each looked up by itself: a plan that was made while there were no invoices reads all of them
    if exists (
        select
        from added as a
        where (
            select i.issued_by
            from billing.invoice as i
            where i.id = a.invoice_id) is distinct from pg_current_xact_id())
    then
        raise exception 'an issued invoice does not change'
            using errcode = '23514', constraint = 'conflict';
    end if;
    return null;
end
$$;
create trigger invoice_line_added after insert on billing.invoice_line referencing new table as added
    for each statement execute function billing.invoice_part_added();
create trigger invoice_tax_added after insert on billing.invoice_tax referencing new table as added
    for each statement execute function billing.invoice_part_added();


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

-- invoice_moved(was, now): what is told when something of it was paid or credited
create function billing.invoice_moved(was billing.invoice, stands billing.invoice) returns jsonb
language sql stable parallel safe
return jsonb_build_array(billing.invoice_told('invoice.updated.v1', stands))
    || case
        when (stands).status = 'PAID' and (was).status = 'ISSUED'
            then jsonb_build_array(billing.invoice_told('invoice.paid.v1', stands))
        else '[]'::jsonb
    end;

-- number_of(prefix, sequence)
create function billing.number_of(prefix text, sequence bigint) returns text
language sql immutable parallel safe
return prefix || lpad(sequence::text, greatest(8, length(sequence::text)), '0');

-- what invoices_issue() is to issue
create type billing.issue as (
    subject_kind text,
    subject_id   uuid,
    part         text,
    issuer       text,
    customer_id  text,
    company_id   text,
    invoice      jsonb,                     -- as invoice.h has it; NULL: nothing to pay
    supplied     jsonb,                     -- {country, from, to, energyKwh}, any of which may be missing
    version      int
);

-- issuers_locked(issuers): their counters, which are theirs until the commit
create function billing.issuers_locked(issuers text[]) returns void
language plpgsql
set search_path = '' as $$
declare
    found_n int;
begin
    for i in 1 .. 2 loop
        perform
        from billing.issuer as i
        where i.issuer = any (issuers)
        order by i.issuer
        for update;
        get diagnostics found_n = row_count;
        exit when found_n = pg_catalog.cardinality(issuers);
        insert into billing.issuer (issuer)
        select u.issuer
        from unnest(issuers) as u (issuer)
        order by u.issuer
        on conflict on constraint issuer_pkey do nothing;
    end loop;
end
$$;

-- invoices_issue(due, at, correlation): issues invoices, each once for a subject
-- and part: the events that tell of them, in the order of due; NULL for what was
-- issued before, for what is nothing to pay, and where nobody is to be paid.
-- Each look is made with the issuers' counters locked, so all invoices of an
-- issuer stand in a row. Lines, taxes and movements come by the transaction
-- that issued, and by no other.
create function billing.invoices_issue(due billing.issue[], at timestamptz, correlation text) returns jsonb[]
language plpgsql
set search_path = '' as $$
declare
    issuers text[];
    fresh   billing.issue[];
    ids     uuid[];
    places  int[];                          -- of fresh ones in due
    which   text;
    prefix  text;
    number  bigint;
    sequences bigint[];                     -- as fresh
    numbers text[];
    made    billing.invoice[];              -- as fresh
    told    jsonb[] := pg_catalog.array_fill(null::jsonb, array[pg_catalog.cardinality(due)]);
begin
    select array_agg(distinct d.issuer) into issuers
    from unnest(due) as d
    where d.invoice is not null and d.issuer is not null;
    perform billing.issuers_locked(issuers);
    -- each looked up by itself: a plan that was made while there were no invoices reads all of them
    select array_agg(row(d.subject_kind, d.subject_id, d.part, d.issuer, d.customer_id, d.company_id, d.invoice, d.supplied,
            d.version)::billing.issue order by d.place),
        array_agg(case when d.subject_kind = 'MANUAL' then d.subject_id else vg.uuid7() end order by d.place),
        array_agg(d.place order by d.place)
    into fresh, ids, places
    from unnest(due) with ordinality as d (subject_kind, subject_id, part, issuer, customer_id, company_id, invoice,
        supplied, version, place)
    where d.invoice is not null
        and d.issuer is not null
        and (
            select v.id
            from billing.invoice as v
            where v.subject_id = d.subject_id
                and v.subject_kind = d.subject_kind
                and v.part = d.part) is null;
    if fresh is null then
        return told;
    end if;

    foreach which in array issuers loop
        select i.prefix, i.last_number into prefix, number
        from billing.issuer as i
        where i.issuer = which;
        for i in 1 .. pg_catalog.cardinality(fresh) loop
            if fresh[i].issuer = which then
                number := number + 1;
                sequences[i] := number;
                numbers[i] := billing.number_of(prefix, number);
            end if;
        end loop;
        update billing.issuer as i
        set last_number = number
        where i.issuer = which and i.last_number < number;
    end loop;
    with written as (
        insert into billing.invoice as v (id, issuer, sequence, number, subject_kind, subject_id, part, customer_id,
            company_id, payer, currency, minor_units, net, tax, total, tax_unknown, country, supplied_from, supplied_to,
            energy_kwh, issued_at, version)
        select ids[n.place], n.issuer, sequences[n.place], numbers[n.place], n.subject_kind, n.subject_id,
            n.part, n.customer_id, n.company_id, billing.payer_of(n.customer_id, n.company_id),
            n.invoice ->> 'currency', (n.invoice ->> 'minorUnits')::int, (n.invoice ->> 'net')::numeric,
            (n.invoice ->> 'tax')::numeric, (n.invoice ->> 'total')::numeric, (n.invoice ->> 'taxUnknown')::boolean,
            n.supplied ->> 'country', (n.supplied ->> 'from')::timestamptz, (n.supplied ->> 'to')::timestamptz,
            (n.supplied ->> 'energyKwh')::numeric, invoices_issue.at, n.version
        from unnest(fresh) with ordinality as n (subject_kind, subject_id, part, issuer, customer_id, company_id, invoice,
            supplied, version, place)
        order by n.place
        returning v.*
    )
    select array_agg(w order by pg_catalog.array_position(ids, w.id)) into made
    from written as w;

    insert into billing.invoice_line (invoice_id, position, kind, type, text, reservation, unit, price, volume,
        tax_rate, amount)
    select ids[f.place], l.position, billing.line_kind(l.value),
        l.value ->> 'type', l.value ->> 'text', l.value ->> 'reservation', l.value ->> 'unit',
        (l.value ->> 'price')::numeric, (l.value ->> 'volume')::numeric,
        (l.value ->> 'taxRate')::numeric, (l.value ->> 'amount')::numeric
    from unnest(fresh) with ordinality as f (subject_kind, subject_id, part, issuer, customer_id, company_id, invoice,
        supplied, version, place)
    cross join lateral pg_catalog.jsonb_array_elements(f.invoice -> 'lines') with ordinality as l (value, position);

    insert into billing.invoice_tax (invoice_id, rate, base, amount)
    select ids[f.place], (t.value ->> 'rate')::numeric, (t.value ->> 'base')::numeric, (t.value ->> 'amount')::numeric
    from unnest(fresh) with ordinality as f (subject_kind, subject_id, part, issuer, customer_id, company_id, invoice,
        supplied, version, place)
    cross join lateral pg_catalog.jsonb_array_elements(f.invoice -> 'taxes') as t (value);

    perform billing.moves(array(
            select billing.booking('INVOICE', i.id, b.part, i.payer, b.kind, i.issuer, b.amount, i.currency)
            from unnest(made) as i
            cross join lateral (values ('net', 'REVENUE', i.net), ('tax', 'TAX', i.tax)) as b (part, kind, amount)),
        at, correlation);
    for i in 1 .. pg_catalog.cardinality(made) loop
        told[places[i]] := billing.invoice_told('invoice.created.v1', made[i]);
    end loop;
    return told;
end
$$;

-- invoice_issue(…, supplied, at, correlation, version): one of them; its event, or NULL
create function billing.invoice_issue(subject_kind text, subject_id uuid, part text, issuer text, customer_id text,
    company_id text, invoice jsonb, supplied jsonb, at timestamptz, correlation text, version int default 1) returns jsonb
language plpgsql as $$
begin
    return (billing.invoices_issue(array[row(subject_kind, subject_id, part, issuer, customer_id, company_id, invoice,
        supplied, version)::billing.issue], at, correlation))[1];
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
    if amount = 0 then
        return null;
    end if;
    select i.* into was
    from billing.invoice as i
    where i.id = invoice_paid.invoice
    for update;
    if was.id is null then
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
    return billing.invoice_moved(was, stands);
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
