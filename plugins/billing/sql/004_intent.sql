-- Payments: with what, and what is to become of an amount. An intent says what
-- is wanted and what is so; a job asks its provider until both are the same
-- (intent.c). Nothing here is a number of a card: methods are the provider's
-- tokens.

create table billing.method (
    id         uuid        not null,
    payer      text        not null,
    operator_id text,                       -- that brought it; NULL: the payer did, or an admin
    provider   text        not null,        -- sandbox, stripe, razorpay
    token      text        not null,        -- the provider's name for it
    brand      text,                        -- as the provider says, to show
    last4      text,
    expires    text,                        -- MM/YY
    created_at timestamptz not null,
    removed_at timestamptz,
    version    int         not null default 1,
    constraint method_pkey primary key (id)
);
create unique index method_once on billing.method (payer, provider, token) where removed_at is null;

create table billing.intent (
    id           uuid        not null,
    payer        text        not null,
    customer_id  text,
    company_id   text,
    issuer       text,                      -- the operator for whom it is; NULL: the house (credit)
    purpose      text        not null,      -- see billing.purpose
    subject      uuid        not null,      -- the hold, the invoice …; of CHARGE and TOP_UP its own id
    method_id    uuid        not null,
    provider     text        not null,
    provider_order text,                    -- of providers that want an order before a payment
    provider_ref text,                      -- the provider's own id, once it is known
    amount       numeric     not null,      -- authorised, or to be
    captured     numeric     not null default 0,
    refunded     numeric     not null default 0,
    returned     numeric     not null default 0,   -- of what was given back, what the provider took back again
    excess       numeric     not null default 0,   -- captured beyond that, where all or nothing is captured
    excess_back  numeric     not null default 0,   -- of that, given back
    kept         numeric     not null default 0,   -- HELD of the payer's credit, to be given back
    currency     text        not null,
    wanted       text        not null,      -- AUTHORISED, CAPTURED, CANCELLED
    to_capture   numeric,                   -- of a CAPTURED one; NULL: all of it
    to_refund    numeric     not null default 0,   -- in all, of what was captured
    status       text        not null default 'PENDING',
    failure      text,                      -- the provider's word
    doubt        boolean     not null default false,  -- the provider may know more: it is looked at first
    disputed     text,                      -- the provider's last word of it
    claim        uuid,                      -- of the push that alone may ask for what no key makes safe to repeat
    claimed_at   timestamptz,
    tries        int         not null default 0,   -- part of the provider's key: one more when nothing came of the last
    waits        int         not null default 0,   -- pushes since something moved
    pushed_at    timestamptz not null default now(),
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    version      int         not null default 1,
    settled      boolean     not null generated always as (not doubt and case status
        when 'CAPTURED' then refunded >= to_refund and excess_back = excess
        when 'AUTHORISED' then wanted = 'AUTHORISED'
        else status in ('CANCELLED', 'FAILED') end) stored,   -- what is wanted is so, or cannot be
    constraint intent_pkey primary key (id),
    constraint intent_wanted check (wanted in ('AUTHORISED', 'CAPTURED', 'CANCELLED')),
    constraint intent_status check (status in ('PENDING', 'AUTHORISED', 'CAPTURED', 'CANCELLED', 'FAILED')),
    constraint intent_amounts check (amount > 0 and captured between 0 and amount and refunded between 0 and captured and returned >= 0
        and coalesce(to_capture, 0) between 0 and amount and to_refund between 0 and amount),
    constraint intent_excess check (excess between 0 and amount - captured and excess_back between 0 and excess),
    constraint intent_kept check (kept between 0 and amount)
);
create unique index intent_provider on billing.intent (provider, provider_ref) where provider_ref is not null;
create index intent_subject on billing.intent (subject);
create index intent_payer on billing.intent (payer, id);
create index intent_customer on billing.intent (customer_id, id);
create index intent_company on billing.intent (company_id, id) where company_id is not null;
create index intent_issuer on billing.intent (issuer, id);
create index intent_unsettled on billing.intent (pushed_at) where not settled;

-- What an intent is for: which of the payer's accounts its money goes to, and
-- whether its payer may give it up by itself (what is owed to others, or held
-- for them, it may not).
create table billing.purpose (
    purpose text    not null,
    account text    not null,
    kind    text    not null,               -- of the transfer
    own     boolean not null,
    constraint purpose_pkey primary key (purpose)
);
insert into billing.purpose (purpose, account, kind, own)
values
    ('INVOICE', 'RECEIVABLE', 'PAYMENT', false),
    ('HOLD', 'RECEIVABLE', 'PAYMENT', false),
    ('TOP_UP', 'CREDIT', 'TOP_UP', true),
    ('CHARGE', 'CREDIT', 'TOP_UP', true);
alter table billing.intent add constraint intent_purpose foreign key (purpose) references billing.purpose (purpose);


-- intent_event(intent, type): told to those whose it is
create function billing.intent_event(i billing.intent, type text) returns jsonb
language sql stable parallel safe
return jsonb_build_object(
    'type', type,
    'aggregateId', i.id::text,
    'payload', jsonb_build_object(
        'paymentId', i.id,
        'purpose', i.purpose,
        'subject', i.subject,
        'invoiceId', case when i.purpose = 'INVOICE' then i.subject end,
        'amount', case when i.captured > 0 then i.captured else i.amount end,
        'currency', i.currency,
        'customerId', i.customer_id,
        'companyId', i.company_id,
        'operatorId', i.issuer,
        'reason', case when i.status = 'FAILED' then i.failure end));

-- intent_moved(was, now): what its change is told as, an array
create function billing.intent_moved(was billing.intent, i billing.intent) returns jsonb
language sql stable parallel safe
return case
    when was.status = i.status then '[]'::jsonb
    when i.status = 'CAPTURED' then jsonb_build_array(billing.intent_event(i, 'payment.succeeded.v1'))
    when i.status = 'FAILED' then jsonb_build_array(billing.intent_event(i, 'payment.failed.v1'))
    else '[]'::jsonb
end;

-- intent_of(id): it, to be changed. All that moves a payer's money locks the
-- payer first, see billing.payer_known().
create function billing.intent_of(about uuid) returns billing.intent
language plpgsql
set search_path = '' as $$
declare
    i billing.intent;
begin
    perform
    from billing.payer as p
    where p.id = (
        select t.payer
        from billing.intent as t
        where t.id = about)
    for update;
    select t.* into i
    from billing.intent as t
    where t.id = about
    for update;
    return i;
end
$$;

-- intent_push(id, correlation): leaves the job that sees to what is wanted of it.
-- A statement that calls what calls it names vg.job, so that the bell rings.
create function billing.intent_push(id uuid, correlation text) returns void
language sql
begin atomic
    insert into vg.job (plugin, kind, key, payload, correlation_id)
    values ('billing', 'payment.push', intent_push.id::text, pg_catalog.jsonb_build_object('intentId', intent_push.id),
        correlation)
    on conflict do nothing;
end;

-- intent_open(id, purpose, subject, payer, customer, company, issuer, method,
-- amount, currency, wanted, at, correlation): begins one, once for an id, and
-- leaves the job that sees to it. method NULL: the payer's own. payment_required
-- where the payer has no such method.
create function billing.intent_open(id uuid, purpose text, subject uuid, payer text, customer text, company text,
    issuer text, method uuid, amount numeric, currency text, wanted text, at timestamptz, correlation text) returns void
language plpgsql
set search_path = '' as $$
declare
    chosen billing.method;
begin
    select m.* into chosen
    from billing.method as m
    where m.payer = intent_open.payer
        and m.removed_at is null
        and m.id = coalesce(intent_open.method, (
            select p.method_id
            from billing.payer as p
            where p.id = intent_open.payer));
    if chosen.id is null then
        raise exception 'no way to pay is known' using errcode = '23514', constraint = 'payment_required';
    end if;
    if amount <> pg_catalog.round(amount, billing.minor_units(currency)) then
        raise exception '% % is no amount of money', amount, currency using errcode = '23514', constraint = 'amount_too_fine';
    end if;
    insert into billing.intent as i (id, payer, customer_id, company_id, issuer, purpose, subject, method_id, provider,
        amount, currency, wanted, pushed_at, created_at, updated_at)
    values (intent_open.id, intent_open.payer, customer, company, intent_open.issuer, intent_open.purpose,
        intent_open.subject, chosen.id, chosen.provider, intent_open.amount, intent_open.currency, intent_open.wanted,
        at, at, at)
    on conflict on constraint intent_pkey do nothing;
    perform billing.intent_push(intent_open.id, correlation);
end
$$;

-- invoice_refunding(invoice, besides): of what was paid for it, what is to be
-- given back still; besides one of its payments (NULL: none).
create function billing.invoice_refunding(invoice uuid, besides uuid) returns numeric
language plpgsql stable
set search_path = '' as $$
begin
    return (
        select coalesce(sum(least(t.to_refund, t.captured) - t.refunded - t.kept), 0)
        from billing.intent as t
        join billing.invoice as i on i.id = invoice_refunding.invoice and i.payer = t.payer
        where t.to_refund > t.refunded
            and t.id is distinct from besides
            and (t.purpose = 'INVOICE' and t.subject = i.id or t.purpose = 'HOLD' and billing.hold_invoice(t.id) = i.id));
end
$$;

-- intent_kept(was, apart, invoice): how much of `apart`, which is to be given
-- back from now on, is the payer's credit by now: all of what was paid in; of
-- an invoice's what went beyond what was owed. of: its purpose's account.
create function billing.intent_kept(was billing.intent, apart numeric, account text, invoice uuid) returns numeric
language plpgsql stable
set search_path = '' as $$
begin
    return case
        when account = 'CREDIT' then apart
        else greatest(0, apart - (
            select i.paid - billing.invoice_refunding(i.id, was.id)
                - (least(was.to_refund, was.captured) - was.refunded - was.kept)
            from billing.invoice as i
            where i.id = intent_kept.invoice))
    end;
end
$$;

-- intent_books(was, now, at, correlation): moves in the ledger what moved at the
-- provider, by purpose, and returns the events of the invoice that it pays. What
-- is to be given back of credit is kept apart (HELD) from the wish on, so it
-- cannot be used meanwhile: credit_short where it has been already. What the
-- provider took back comes in again, so what is given back is numbered by that.
create function billing.intent_books(was billing.intent, i billing.intent, at timestamptz, correlation text)
returns jsonb
language plpgsql
set search_path = '' as $$
declare
    of      billing.purpose;
    taken   numeric := greatest(was.refunded - i.refunded, 0);   -- back by the provider
    apart   numeric := least(i.to_refund, i.captured) - least(was.to_refund, was.captured) + taken;
    back    numeric := i.refunded - was.refunded + taken;
    more    numeric := 0;                   -- is kept
    given   numeric;                        -- of back, what was kept
    nth     text := case when i.returned > 0 then '/' || i.returned else '' end;
    invoice uuid;
    events  jsonb;
begin
    select p.* into of
    from billing.purpose as p
    where p.purpose = i.purpose;
    perform billing.move(of.kind, i.id, 'captured-' || i.captured, 'PROVIDER', i.provider, of.account, i.payer,
        i.captured - was.captured, i.currency, at, correlation);
    perform billing.move('HOLD', i.id, 'excess-' || i.excess, 'PROVIDER', i.provider, 'HELD', i.payer,
        i.excess - was.excess, i.currency, at, correlation);
    perform billing.move('REFUND', i.id, 'excess-' || i.excess_back || nth, 'HELD', i.payer, 'PROVIDER', i.provider,
        greatest(i.excess_back - was.excess_back, 0), i.currency, at, correlation);
    perform billing.move('REFUND', i.id, 'excess-returned' || nth, 'PROVIDER', i.provider, 'HELD', i.payer,
        greatest(was.excess_back - i.excess_back, 0), i.currency, at, correlation);
    if of.account = 'RECEIVABLE' then
        invoice := case i.purpose when 'INVOICE' then i.subject else billing.hold_invoice(i.id) end;
        events := billing.invoice_paid(invoice, i.captured - was.captured, at);
    end if;
    if apart > 0 then
        more := coalesce(billing.intent_kept(was, apart, of.account, invoice), 0);
        perform billing.move('HOLD', i.id, 'refund-' || least(i.to_refund, i.captured) || nth, 'CREDIT', i.payer, 'HELD', i.payer,
            more, i.currency, at, correlation);
    end if;
    given := least(back, was.kept + more);
    perform billing.move('REFUND', i.id, 'kept-' || i.refunded || nth, 'HELD', i.payer, 'PROVIDER', i.provider,
        given, i.currency, at, correlation);
    perform billing.move('REFUND', i.id, 'refunded-' || i.refunded || nth, of.account, i.payer, 'PROVIDER', i.provider,
        back - given, i.currency, at, correlation);
    perform billing.move('REFUND', i.id, 'returned' || nth, 'PROVIDER', i.provider, of.account, i.payer,
        taken, i.currency, at, correlation);
    update billing.intent as t
    set kept = was.kept + more - given
    where t.id = i.id and more <> given;
    return coalesce(events, '[]') || coalesce(billing.invoice_paid(invoice, given - back + taken, at), '[]');
end
$$;

-- intent_wish(id, wanted, to_capture, to_refund, at): what is to become of it
-- from now on; NULL: as it was. Wishes go forward only, AUTHORISED, CAPTURED,
-- CANCELLED: an older one, told late, changes nothing. to_capture stands once
-- something is captured; to_refund is in all, and never less than it was.
-- CANCELLED of what was captured gives back all of it. refund_too_high where
-- more would be given back than is captured, or is to be; credit_short where it
-- was used meanwhile. The caller leaves a job, as above.
create function billing.intent_wish(id uuid, wanted text, to_capture numeric, to_refund numeric, at timestamptz)
returns void
language plpgsql
set search_path = '' as $$
declare
    was  billing.intent := billing.intent_of(intent_wish.id);
    i    billing.intent := was;
    rank constant text[] := array['AUTHORISED', 'CAPTURED', 'CANCELLED'];
begin
    if i.id is null then
        raise exception 'there is no intent %', intent_wish.id using errcode = 'P0002';
    end if;
    if pg_catalog.array_position(rank, wanted) > pg_catalog.array_position(rank, i.wanted) then
        i.wanted := intent_wish.wanted;
    end if;
    if i.captured = 0 then
        i.to_capture := coalesce(intent_wish.to_capture, i.to_capture);
    end if;
    i.to_refund := greatest(i.to_refund, coalesce(intent_wish.to_refund, 0),
        case when i.wanted = 'CANCELLED' then i.captured - i.returned else 0 end);
    if i.to_refund > coalesce(nullif(i.captured, 0), i.to_capture, i.amount) then
        raise exception 'more than is captured' using errcode = '23514', constraint = 'refund_too_high';
    end if;
    if pg_catalog.round(coalesce(i.to_capture, 0), billing.minor_units(i.currency)) <> coalesce(i.to_capture, 0)
        or pg_catalog.round(i.to_refund, billing.minor_units(i.currency)) <> i.to_refund
    then
        raise exception 'that is no amount of %', i.currency using errcode = '23514', constraint = 'amount_too_fine';
    end if;
    update billing.intent as t
    set wanted = i.wanted,
        to_capture = i.to_capture,
        to_refund = i.to_refund,
        updated_at = at,
        version = t.version + 1
    where t.id = i.id
        and (t.wanted, t.to_capture, t.to_refund) is distinct from (i.wanted, i.to_capture, i.to_refund);
    perform billing.intent_books(was, i, at, i.id::text);
end
$$;


-- intent_wished(id, wanted, to_capture, to_refund, at, correlation): a wish, and
-- the job that sees to it
create function billing.intent_wished(id uuid, wanted text, to_capture numeric, to_refund numeric, at timestamptz,
    correlation text) returns void
language plpgsql
set search_path = '' as $$
begin
    perform billing.intent_wish(intent_wished.id, wanted, to_capture, to_refund, at);
    perform billing.intent_push(intent_wished.id, correlation);
end
$$;


create view billing.intent_json as
select i.id,
    i.customer_id,
    i.company_id,
    i.issuer,
    i.purpose,
    i.subject,
    i.status,
    i.settled,
    i.version,
    json_build_object(
        'id', i.id,
        'purpose', i.purpose,
        'subject', i.subject,
        'invoiceId', case when i.purpose = 'INVOICE' then i.subject end,
        'customerId', i.customer_id,
        'companyId', i.company_id,
        'operatorId', i.issuer,
        'methodId', i.method_id,
        'provider', i.provider,
        'providerRef', i.provider_ref,
        'amount', i.amount,
        'captured', i.captured,
        'refunded', i.refunded,
        'currency', i.currency,
        'wanted', i.wanted,
        'toCapture', i.to_capture,
        'toRefund', i.to_refund,
        'status', i.status,
        'failure', i.failure,
        'returned', i.returned,
        'disputed', i.disputed,
        'settled', i.settled,
        'createdAt', vg.z(i.created_at),
        'updatedAt', vg.z(i.updated_at),
        'version', i.version) as body
from billing.intent i;

-- intent_shown(id, after): its body as functions of the same statement left it,
-- once `after` is known
create function billing.intent_shown(about uuid, after bigint) returns json
language plpgsql
set search_path = '' as $$
begin
    return (
        select j.body
        from billing.intent_json as j
        where j.id = about);
end
$$;

-- payment_may(purpose, issuer, role, company): whether one who sees a payment
-- may give it up, or back: who is paid, and an admin; its payer where nobody
-- else is paid
create function billing.payment_may(purpose text, issuer text, role text, company text) returns boolean
language sql stable parallel safe
return role = 'admin'
    or (role = 'operator' and issuer = company)
    or (role in ('driver', 'fleet_manager') and (
        select p.own
        from billing.purpose as p
        where p.purpose = payment_may.purpose));

-- payment_wish(payment, wanted, amount, role, caller, company, …): what a caller
-- may wish for: CANCELLED; CAPTURED, of that amount or all, once; or (NULL) that
-- amount, or all that is left of it, given back: in all never more than was
-- captured. What is held, or owed to others, its payer may not give up by itself;
-- what a hold keeps is the hold's. Answers why not; NULL: so it will be.
create function billing.payment_wish(about uuid, wanted text, amount numeric, role text, caller text, company text,
    at timestamptz, correlation text) returns text
language plpgsql
set search_path = '' as $$
declare
    i    billing.intent := billing.intent_of(about);
    back numeric := i.to_refund + coalesce(amount, i.captured - i.to_refund);
    why  text := case
        when not coalesce(vg.visible(role, caller, company, i.customer_id, i.issuer, i.company_id), false) or i.id is null
            then 'not_found'
        when not billing.payment_may(i.purpose, i.issuer, role, company) or (wanted is not null and i.purpose = 'HOLD')
            then 'forbidden'
        when wanted is not null and i.status = 'CAPTURED' then 'payment_captured'
        when wanted = 'CAPTURED' and (i.wanted <> 'AUTHORISED' or i.status = 'FAILED') then 'conflict'
        when wanted = 'CAPTURED' and amount > i.amount then 'unprocessable'
        when wanted is null and i.captured = 0 then 'payment_not_captured'
        when wanted is null and (back > i.captured or back <= i.to_refund) then 'refund_too_high'
    end;
begin
    if why is null then
        perform billing.intent_wished(i.id, wanted, case when wanted = 'CAPTURED' then amount end,
            case when wanted is null then back end, at, correlation);
    end if;
    return why;
end
$$;
