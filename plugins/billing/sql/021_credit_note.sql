-- Credit notes: what is taken back of an invoice. A document of its own, with
-- numbers without gaps, never changed; of each rate of tax never more than the
-- invoice has (billing.invoice_tax, credit_too_high).
create table billing.credit_note (
    id          uuid        not null,
    issuer      text        not null,
    sequence    bigint      not null,
    number      text        not null,
    invoice_id  uuid        not null,
    customer_id text,
    company_id  text,
    reason      text,
    currency    text        not null,
    net         numeric     not null,
    tax         numeric     not null,
    total       numeric     not null,
    refunds     jsonb       not null,       -- [{to, amount}]: CREDIT, or the payment that gives it back
    issued_at   timestamptz not null,
    version     int         not null default 1,
    constraint credit_note_pkey primary key (id),
    constraint credit_note_number unique (issuer, sequence),
    constraint credit_note_invoice foreign key (invoice_id) references billing.invoice (id),
    constraint credit_note_total check (total = net + tax and total > 0)
);
create index credit_note_of on billing.credit_note (invoice_id);
create index credit_note_customer on billing.credit_note (customer_id, id);
create index credit_note_issuer on billing.credit_note (issuer, id);

create table billing.credit_note_tax (
    credit_note_id uuid    not null,
    rate           numeric not null,        -- per cent
    base           numeric not null,
    amount         numeric not null,
    constraint credit_note_tax_pkey primary key (credit_note_id, rate),
    constraint credit_note_tax_note foreign key (credit_note_id) references billing.credit_note (id)
);

create table billing.credit_note_line (
    credit_note_id uuid    not null,
    position       int     not null,
    of_line        int     not null,        -- the invoice's
    amount         numeric not null,        -- excluding tax
    constraint credit_note_line_pkey primary key (credit_note_id, position),
    constraint credit_note_line_note foreign key (credit_note_id) references billing.credit_note (id)
);

-- It goes with its invoice, see billing.invoice_stands(); its parts go with it,
-- and come with it: its own row is the last to be written.
create function billing.credit_note_stands() returns trigger
language plpgsql as $$
begin
    if tg_op = 'DELETE' and old.issued_at < now() - interval '5 years' then
        return old;
    end if;
    raise exception 'an issued credit note does not change'
        using errcode = '23514', constraint = 'conflict';
end
$$;
create trigger credit_note_stands before update or delete on billing.credit_note
    for each row execute function billing.credit_note_stands();

create function billing.credit_note_part_stands() returns trigger
language plpgsql as $$
begin
    if tg_op = 'INSERT' and exists (
        select
        from billing.credit_note n
        where n.id = new.credit_note_id
            and n.xmin = pg_current_xact_id()::xid)
    then
        return null;
    end if;
    if tg_op = 'DELETE' and not exists (
        select
        from billing.credit_note n
        where n.id = old.credit_note_id)
    then
        return null;
    end if;
    raise exception 'an issued credit note does not change'
        using errcode = '23514', constraint = 'conflict';
end
$$;
create trigger credit_note_tax_stands after insert or update or delete on billing.credit_note_tax
    for each row execute function billing.credit_note_part_stands();
create trigger credit_note_line_stands after insert or update or delete on billing.credit_note_line
    for each row execute function billing.credit_note_part_stands();

create view billing.credit_note_json as
select n.id,
    n.issuer,
    n.invoice_id,
    n.customer_id,
    n.company_id,
    json_build_object(
        'id', n.id,
        'number', n.number,
        'issuer', n.issuer,
        'invoiceId', n.invoice_id,
        'customerId', n.customer_id,
        'companyId', n.company_id,
        'reason', n.reason,
        'currency', n.currency,
        'lines', (
            select coalesce(json_agg(json_build_object(
                'position', l.position,
                'ofLine', l.of_line,
                'amount', l.amount) order by l.position), '[]')
            from billing.credit_note_line l
            where l.credit_note_id = n.id),
        'taxes', (
            select coalesce(json_agg(json_build_object(
                'rate', t.rate,
                'base', t.base,
                'amount', t.amount) order by t.rate desc), '[]')
            from billing.credit_note_tax t
            where t.credit_note_id = n.id),
        'net', n.net,
        'tax', n.tax,
        'total', n.total,
        'refunds', n.refunds,
        'issuedAt', vg.z(n.issued_at),
        'version', n.version) as body
from billing.credit_note n;

create function billing.credit_note_body(id uuid) returns json
language plpgsql
set search_path = '' as $$
begin
    return (
        select j.body
        from billing.credit_note_json as j
        where j.id = credit_note_body.id);
end
$$;


-- credit_parts(invoice, lines, amount): what is to be credited of each rate,
-- [{rate, base, tax}]: of lines [{position, amount}] their amounts, without
-- tax; of an amount, tax included, each rate its share of what is left; else
-- all that is left. Rounded once, half up: the tax on a base that is not the
-- last of its rate; or, of a share that includes tax, the tax in it. The last
-- one takes what is left, so that all of them are the invoice to the unit.
create function billing.credit_parts(invoice uuid, lines jsonb, amount numeric) returns jsonb
language plpgsql stable
set search_path = '' as $$
declare
    t      record;
    digits int;
    whole  numeric;
    before numeric := 0;                    -- of what is left, the rates so far
    share  numeric;
    base   numeric;
    tax    numeric;
    parts  jsonb := '[]';
begin
    select i.minor_units, i.total - i.credited into digits, whole
    from billing.invoice as i
    where i.id = credit_parts.invoice;
    if amount > whole then
        raise exception 'more than is left to credit' using errcode = '23514', constraint = 'credit_too_high';
    end if;
    for t in
        select x.rate, x.base - x.credited_base as base, x.amount - x.credited_amount as tax
        from billing.invoice_tax as x
        where x.invoice_id = credit_parts.invoice
        order by x.rate
    loop
        base := t.base;
        if lines is not null then
            select coalesce(pg_catalog.sum(coalesce((w.value ->> 'amount')::numeric, l.amount)), 0) into base
            from pg_catalog.jsonb_array_elements(lines) as w (value)
            join billing.invoice_line as l on l.invoice_id = credit_parts.invoice
                and l.position = (w.value ->> 'position')::int and l.tax_rate = t.rate;
        end if;
        tax := case when base = t.base then t.tax else least(t.tax, pg_catalog.round(base * t.rate / 100, digits)) end;
        if amount < whole then
            share := pg_catalog.round(amount * (before + t.base + t.tax) / whole, digits)
                - pg_catalog.round(amount * before / whole, digits);
            before := before + t.base + t.tax;
            tax := pg_catalog.round(share * t.rate / (100 + t.rate), digits);
            tax := least(t.tax, greatest(tax, share - t.base));
            base := share - tax;
        end if;
        if base > t.base then
            raise exception 'more than is left to credit' using errcode = '23514', constraint = 'credit_too_high';
        end if;
        if base <> 0 or tax <> 0 then
            parts := parts || pg_catalog.jsonb_build_object('rate', t.rate, 'base', base, 'tax', tax);
        end if;
    end loop;
    return parts;
end
$$;

-- credit_refunds(invoice, amount, note, …): gives back what was paid beyond
-- what is owed: by the cards that paid it, the last one first, as far as
-- nothing was given back of them; the rest, which came from credit, to credit.
-- Answers [{to, amount}], to: CREDIT, or an intent.
create function billing.credit_refunds(owed billing.invoice, amount numeric, note uuid, at timestamptz, correlation text)
returns jsonb
language plpgsql
set search_path = '' as $$
declare
    i    record;
    part numeric;
    gone jsonb := '[]';
begin
    for i in
        select t.id, t.captured, t.to_refund
        from billing.intent as t
        where t.captured > t.to_refund
            and (t.purpose = 'INVOICE' and t.subject = (owed).id
                or t.purpose = 'HOLD' and billing.hold_invoice(t.id) = (owed).id)
            and t.payer = (owed).payer
        order by t.created_at desc, t.id
        for update
    loop
        part := least(credit_refunds.amount, i.captured - i.to_refund);
        exit when part <= 0;
        perform billing.intent_wished(i.id, null, null, i.to_refund + part, at, correlation);
        gone := gone || pg_catalog.jsonb_build_object('to', i.id, 'amount', part);
        credit_refunds.amount := credit_refunds.amount - part;
    end loop;
    if credit_refunds.amount > 0 then
        perform billing.move('REFUND', note, 'credit', 'RECEIVABLE', (owed).payer, 'CREDIT', (owed).payer,
            credit_refunds.amount, (owed).currency, at, correlation);
        gone := gone || pg_catalog.jsonb_build_object('to', 'CREDIT', 'amount', credit_refunds.amount);
    end if;
    return gone;
end
$$;

-- credit_number(issuer): its row with the next number of a credit note
create function billing.credit_number(issuer text) returns billing.issuer
language plpgsql as $$
declare
    drawn billing.issuer;
begin
    update billing.issuer as i
    set last_credit = i.last_credit + 1
    where i.issuer = credit_number.issuer
    returning i.* into drawn;
    return drawn;
end
$$;

-- credit_note_issue(id, invoice, lines, amount, reason, at, correlation):
-- credits a part of an invoice or all that is left of it, and gives back what was
-- paid for that. The events to tell. credit_too_high where it is more than is
-- left, or nothing. Locks in the order of all: issuer, payer, invoice.
create function billing.credit_note_issue(id uuid, invoice uuid, lines jsonb, amount numeric, reason text,
    at timestamptz, correlation text) returns jsonb
language plpgsql as $$
declare
    was     billing.invoice;
    stands  billing.invoice;
    drawn   billing.issuer;
    parts   jsonb;
    no_net  numeric;                        -- what it takes back
    no_tax  numeric;
    refunds jsonb;
    back    numeric;
begin
    select i.* into was
    from billing.invoice as i
    where i.id = credit_note_issue.invoice;
    drawn := billing.credit_number(was.issuer);
    perform
    from billing.payer as p
    where p.id = was.payer
    for update;
    select i.* into was
    from billing.invoice as i
    where i.id = credit_note_issue.invoice
    for update;
    parts := billing.credit_parts(was.id, lines, amount);
    select sum((p.value ->> 'base')::numeric), sum((p.value ->> 'tax')::numeric) into no_net, no_tax
    from jsonb_array_elements(parts) as p (value);
    if coalesce(no_net + no_tax, 0) <= 0 then
        raise exception 'nothing is left to credit' using errcode = '23514', constraint = 'credit_too_high';
    end if;
    update billing.invoice_tax as t
    set credited_base = t.credited_base + (p.value ->> 'base')::numeric,
        credited_amount = t.credited_amount + (p.value ->> 'tax')::numeric
    from jsonb_array_elements(parts) as p (value)
    where t.invoice_id = was.id and t.rate = (p.value ->> 'rate')::numeric;
    perform billing.moves(array[
        billing.booking('CREDIT_NOTE', id, 'net', was.payer, 'REVENUE', was.issuer, -no_net, was.currency),
        billing.booking('CREDIT_NOTE', id, 'tax', was.payer, 'TAX', was.issuer, -no_tax, was.currency)],
        at, correlation);

    refunds := billing.credit_refunds(was, was.paid - billing.invoice_refunding(was.id, null)
        - (was.total - was.credited - no_net - no_tax), id, at, correlation);
    select coalesce(sum((r.value ->> 'amount')::numeric), 0) into back
    from jsonb_array_elements(refunds) as r (value)
    where r.value ->> 'to' = 'CREDIT';
    update billing.invoice as i
    set credited = i.credited + no_net + no_tax,
        paid = i.paid - back,
        version = i.version + 1
    where i.id = was.id
    returning i.* into stands;

    insert into billing.credit_note (id, issuer, sequence, number, invoice_id, customer_id, company_id, reason, currency,
        net, tax, total, refunds, issued_at)
    values (id, was.issuer, drawn.last_credit, billing.number_of(drawn.credit_prefix, drawn.last_credit), was.id,
        was.customer_id, was.company_id, reason, was.currency, no_net, no_tax,
        no_net + no_tax, refunds, at);
    insert into billing.credit_note_tax (credit_note_id, rate, base, amount)
    select credit_note_issue.id, (p.value ->> 'rate')::numeric, (p.value ->> 'base')::numeric, (p.value ->> 'tax')::numeric
    from jsonb_array_elements(parts) as p (value);
    insert into billing.credit_note_line (credit_note_id, position, of_line, amount)
    select credit_note_issue.id, w.position, l.position, coalesce((w.value ->> 'amount')::numeric, l.amount)
    from jsonb_array_elements(lines) with ordinality as w (value, position)
    join billing.invoice_line as l on l.invoice_id = was.id and l.position = (w.value ->> 'position')::int;
    return billing.invoice_moved(was, stands);
end
$$;
