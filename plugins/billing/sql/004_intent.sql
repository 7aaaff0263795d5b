-- Payments: with what, and what is to become of an amount. An intent says what
-- is wanted and what is so; a job asks its provider until both are the same
-- (intent.c). Nothing here is a number of a card: methods are the provider's
-- tokens.

create table billing.method (
    id         uuid        not null,
    payer      text        not null,
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
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    version      int         not null default 1,
    constraint intent_pkey primary key (id),
    constraint intent_purpose check (purpose in ('HOLD', 'INVOICE', 'TOP_UP', 'CHARGE')),
    constraint intent_wanted check (wanted in ('AUTHORISED', 'CAPTURED', 'CANCELLED')),
    constraint intent_status check (status in ('PENDING', 'AUTHORISED', 'CAPTURED', 'CANCELLED', 'FAILED')),
    constraint intent_amounts check (amount > 0 and captured between 0 and amount and refunded between 0 and captured
        and coalesce(to_capture, 0) between 0 and amount and to_refund between 0 and amount)
);
create unique index intent_provider on billing.intent (provider, provider_ref) where provider_ref is not null;
create index intent_subject on billing.intent (subject);
create index intent_payer on billing.intent (payer, id);
create index intent_open on billing.intent (updated_at) where status in ('PENDING', 'AUTHORISED');
