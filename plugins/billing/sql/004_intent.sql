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
    purpose      text        not null,      -- HOLD, INVOICE, TOP_UP, CHARGE
    subject      uuid        not null,      -- the hold, the invoice …; of CHARGE and TOP_UP its own id
    method_id    uuid        not null,
    provider     text        not null,
    provider_ref text,                      -- the provider's own id, once it is known
    amount       numeric     not null,      -- authorised, or to be
    captured     numeric     not null default 0,
    refunded     numeric     not null default 0,
    currency     text        not null,
    wanted       text        not null,      -- AUTHORISED, CAPTURED, CANCELLED
    to_capture   numeric,                   -- of a CAPTURED one; NULL: all of it
    to_refund    numeric     not null default 0,   -- in all, of what was captured
    status       text        not null default 'PENDING',
    failure      text,                      -- the provider's word
    provider_order text,                    -- of providers that want an order before a payment
    excess       numeric     not null default 0,   -- captured beyond what was wanted, where all or nothing is captured
    excess_back  numeric     not null default 0,   -- of that, given back
    tries        int         not null default 0,   -- part of the provider's key: one more where nothing came of the last
    doubt        boolean     not null default false, -- what became of the last try is not known: looked at first
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    version      int         not null default 1,
    constraint intent_pkey primary key (id),
    constraint intent_purpose check (purpose in ('HOLD', 'INVOICE', 'TOP_UP', 'CHARGE')),
    constraint intent_wanted check (wanted in ('AUTHORISED', 'CAPTURED', 'CANCELLED')),
    constraint intent_status check (status in ('PENDING', 'AUTHORISED', 'CAPTURED', 'CANCELLED', 'FAILED')),
    constraint intent_amounts check (amount > 0 and captured between 0 and amount and refunded between 0 and captured
        and coalesce(to_capture, 0) between 0 and amount and to_refund between 0 and amount),
    constraint intent_excess check (excess between 0 and amount - captured and excess_back between 0 and excess)
);
create unique index intent_provider on billing.intent (provider, provider_ref) where provider_ref is not null;
create index intent_subject on billing.intent (subject);
create index intent_payer on billing.intent (payer, id);
create index intent_issuer on billing.intent (issuer, id);
create index intent_open on billing.intent (updated_at) where status in ('PENDING', 'AUTHORISED');


-- intent_open(id, purpose, subject, payer, customer, company, issuer, method,
-- amount, currency, wanted, at): begins one, once for an id. method NULL: the
-- payer's own. payment_required where the payer has no such method. Who calls
-- it leaves a job payment.push {intentId} in the same commit.
create function billing.intent_open(id uuid, purpose text, subject uuid, payer text, customer text, company text,
    issuer text, method uuid, amount numeric, currency text, wanted text, at timestamptz) returns void
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
        raise exception '% % is no amount of money', amount, currency using errcode = '22023';
    end if;
    insert into billing.intent as i (id, payer, customer_id, company_id, issuer, purpose, subject, method_id, provider,
        amount, currency, wanted, created_at, updated_at)
    values (intent_open.id, intent_open.payer, customer, company, intent_open.issuer, intent_open.purpose,
        intent_open.subject, chosen.id, chosen.provider, intent_open.amount, intent_open.currency, intent_open.wanted,
        at, at)
    on conflict on constraint intent_pkey do nothing;
end
$$;

-- intent_wish(id, wanted, to_capture, to_refund, at): what is to become of it
-- from now on; NULL: as it was. Wishes go forward only, AUTHORISED, CAPTURED,
-- CANCELLED: an older one, told late, changes nothing. to_capture stands once
-- something is captured; to_refund is in all, and never less than it was.
-- CANCELLED of what was captured gives back all of it. refund_too_high where
-- more would be given back than is captured, or is to be. The caller leaves a
-- job, as above.
create function billing.intent_wish(id uuid, wanted text, to_capture numeric, to_refund numeric, at timestamptz)
returns void
language plpgsql
set search_path = '' as $$
declare
    i    billing.intent;
    rank constant text[] := array['AUTHORISED', 'CAPTURED', 'CANCELLED'];
begin
    select t.* into i
    from billing.intent as t
    where t.id = intent_wish.id
    for update;
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
        case when i.wanted = 'CANCELLED' then i.captured else 0 end);
    if i.to_refund > coalesce(nullif(i.captured, 0), i.to_capture, i.amount) then
        raise exception 'more than is captured' using errcode = '23514', constraint = 'refund_too_high';
    end if;
    if pg_catalog.round(coalesce(i.to_capture, 0), billing.minor_units(i.currency)) <> coalesce(i.to_capture, 0)
        or pg_catalog.round(i.to_refund, billing.minor_units(i.currency)) <> i.to_refund
    then
        raise exception 'that is no amount of %', i.currency using errcode = '22023';
    end if;
    update billing.intent as t
    set wanted = i.wanted,
        to_capture = i.to_capture,
        to_refund = i.to_refund,
        updated_at = at,
        version = t.version + 1
    where t.id = i.id
        and (t.wanted, t.to_capture, t.to_refund) is distinct from (i.wanted, i.to_capture, i.to_refund);
end
$$;
