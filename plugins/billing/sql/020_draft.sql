-- Invoices by hand. A draft may change and has no number; issuing it is the
-- invoice of the same id, which begins with the version after the draft's.
create table billing.draft (
    id          uuid        not null,
    issuer      text        not null,
    customer_id text,
    company_id  text,
    currency    text        not null,
    country     text,
    lines       jsonb       not null,       -- as they were written, with their rates of tax
    invoice     jsonb,                      -- what invoice.c makes of them; NULL: nothing to pay
    created_at  timestamptz not null,
    version     int         not null default 1,
    constraint draft_pkey primary key (id),
    constraint draft_payer check (num_nonnulls(customer_id, company_id) > 0)
);
create index draft_issuer on billing.draft (issuer, id);
create index draft_customer on billing.draft (customer_id, id);
create index draft_age on billing.draft (created_at);

-- draft_priced(lines, more, country, currency, at): lines as invoice.c takes
-- them, with further ones, and with the rates of that day
create function billing.draft_priced(lines jsonb, more jsonb, country text, currency text, at timestamptz) returns jsonb
language plpgsql stable
set search_path = '' as $$
begin
    return billing.costs_taxed(pg_catalog.jsonb_build_object(
        'currency', draft_priced.currency,
        'lines', coalesce(draft_priced.lines, '[]') || coalesce((
            select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                'type', coalesce(l.value ->> 'kind', 'MANUAL'),
                'kind', coalesce(l.value ->> 'kind', 'MANUAL'),
                'text', l.value -> 'text',
                'volume', l.value -> 'quantity',
                'price', l.value -> 'price',
                'vat', l.value -> 'taxRate') order by l.position)
            from pg_catalog.jsonb_array_elements(more) with ordinality as l (value, position)), '[]')),
        draft_priced.country, draft_priced.at, null);
end
$$;

create function billing.draft_json_of(d billing.draft) returns json
language sql stable parallel safe
return json_build_object(
    'id', d.id,
    'number', null,
    'issuer', d.issuer,
    'subjectKind', 'MANUAL',
    'subjectId', d.id,
    'part', '',
    'sessionId', null,
    'customerId', d.customer_id,
    'companyId', d.company_id,
    'status', 'DRAFT',
    'currency', d.currency,
    'lines', (
        select coalesce(json_agg(json_build_object(
            'position', l.position,
            'kind', l.value -> 'kind',
            'type', l.value -> 'type',
            'text', l.value -> 'text',
            'reservation', null,
            'unit', null,
            'price', l.value -> 'price',
            'volume', l.value -> 'volume',
            'taxRate', l.value -> 'taxRate',
            'amount', l.value -> 'amount') order by l.position), '[]')
        from jsonb_array_elements(coalesce(d.invoice -> 'lines', '[]')) with ordinality as l (value, position)),
    'taxes', coalesce(d.invoice -> 'taxes', '[]'),
    'net', coalesce(d.invoice -> 'net', '0'),
    'tax', coalesce(d.invoice -> 'tax', '0'),
    'total', coalesce(d.invoice -> 'total', '0'),
    'paid', 0,
    'credited', 0,
    'taxUnknown', coalesce(d.invoice -> 'taxUnknown', 'false'),
    'country', d.country,
    'suppliedFrom', null,
    'suppliedTo', null,
    'energyKwh', null,
    'issuedAt', null,
    'dueAt', null,
    'version', d.version);

-- Invoices and drafts; to_customer, to_company: who may see it beside its
-- issuer, whose alone a draft is until it is issued.
create view billing.paper_json as
select j.id,
    j.issuer,
    j.subject_kind,
    j.subject_id,
    j.customer_id,
    j.company_id,
    j.customer_id as to_customer,
    j.company_id as to_company,
    j.status,
    j.issued_at,
    j.body
from billing.invoice_json j
union all
select d.id,
    d.issuer,
    'MANUAL',
    d.id,
    d.customer_id,
    d.company_id,
    null,
    null,
    'DRAFT',
    null,
    billing.draft_json_of(d)
from billing.draft d;

-- invoice_body(id): the invoice as its commit leaves it
create function billing.invoice_body(id uuid) returns json
language plpgsql
set search_path = '' as $$
begin
    return (
        select j.body
        from billing.invoice_json as j
        where j.id = invoice_body.id);
end
$$;
