-- The books. Every movement of money is one transfer: two entries, of which
-- one takes from an account what the other gives to another. So all balances
-- of a currency add up to nothing, at any moment, whatever was killed.
--
-- Accounts, and what a balance above zero means:
--
--   CREDIT      payer     what it has paid in advance; never below zero
--   HELD        payer     the part of that which holds keep; never below zero
--   RECEIVABLE  payer     below zero: what it owes for invoices
--   REVENUE     issuer    net amounts of its invoices
--   TAX         issuer    taxes of its invoices
--   PROVIDER    provider  below zero: what came in through it
--   EXPIRED     -         credit that was not used in time

-- Who pays: the company where it is on a company's account, else the customer.
create table billing.payer (
    id        text    not null,
    kind      text    not null,             -- CUSTOMER, COMPANY
    terms     text    not null,             -- PREPAID: held before it is used; ACCOUNT: invoiced, and due later
    method_id uuid,                         -- what it pays with, unless it says otherwise
    low_mark  numeric not null default 5,   -- credits.low.v1 below it
    version   int     not null default 1,
    constraint payer_pkey primary key (id),
    constraint payer_kind check (kind in ('CUSTOMER', 'COMPANY')),
    constraint payer_terms check (terms in ('PREPAID', 'ACCOUNT'))
);

-- payer_of(customer, company): the payer's id; NULL: nobody
create function billing.payer_of(customer_id text, company_id text) returns text
language sql stable parallel safe
return coalesce(company_id, customer_id);

-- payer_known(customer, company): the payer's row, which is made when there is
-- none; all of it is NULL where it is nobody. A CUSTOMER pays in
-- advance, a COMPANY by account.
create function billing.payer_known(customer_id text, company_id text) returns billing.payer
language plpgsql
set search_path = '' as $$
declare
    known billing.payer;
    payer text := billing.payer_of(customer_id, company_id);
begin
    select p.* into known
    from billing.payer as p
    where p.id = payer;
    if known.id is null and payer is not null then
        insert into billing.payer (id, kind, terms)
        values (payer,
            case when company_id is null then 'CUSTOMER' else 'COMPANY' end,
            case when company_id is null then 'PREPAID' else 'ACCOUNT' end)
        on conflict on constraint payer_pkey do nothing;
        select p.* into known
        from billing.payer as p
        where p.id = payer;
    end if;
    return known;
end
$$;

-- ISO 4217: digits behind the point, where they are not two
create table billing.currency (
    code        text not null,
    minor_units int  not null,
    constraint currency_pkey primary key (code)
);
insert into billing.currency (code, minor_units)
values
    ('BHD', 3), ('BIF', 0), ('CLF', 4), ('CLP', 0), ('DJF', 0), ('GNF', 0), ('IQD', 3), ('ISK', 0), ('JOD', 3),
    ('JPY', 0), ('KMF', 0), ('KRW', 0), ('KWD', 3), ('LYD', 3), ('OMR', 3), ('PYG', 0), ('RWF', 0), ('TND', 3),
    ('UGX', 0), ('UYI', 0), ('UYW', 4), ('VND', 0), ('VUV', 0), ('XAF', 0), ('XOF', 0), ('XPF', 0);

-- minor_units(currency): how many digits its amounts have behind the point
create function billing.minor_units(currency text) returns int
language plpgsql stable parallel safe       -- as SQL it is planned with each call
as $$
begin
    return coalesce((
        select c.minor_units
        from billing.currency as c
        where c.code = currency), 2);
end
$$;


-- balance is kept where it bounds something or is asked for with each payment;
-- of the others, which all payers share, it is the sum of the entries, or every
-- movement would wait for the one row.
create table billing.account (
    id       bigint  generated always as identity,
    kind     text    not null,
    owner    text    not null,
    currency text    not null,
    balance  numeric,                       -- NULL: not kept
    lot_at   timestamptz,                   -- of CREDIT: no part of it came in earlier; NULL: there is none
    constraint account_pkey primary key (id),
    constraint account_owner unique (owner, kind, currency),
    constraint account_kind check (kind in
        ('CREDIT', 'HELD', 'RECEIVABLE', 'REVENUE', 'TAX', 'PROVIDER', 'EXPIRED')),
    constraint account_kept check ((balance is not null) = (kind in ('CREDIT', 'HELD', 'RECEIVABLE'))),
    constraint credit_short check (kind not in ('CREDIT', 'HELD') or balance >= 0)
);
create index account_lot on billing.account (lot_at) where lot_at is not null;

create table billing.transfer (
    id             bigint      generated always as identity,
    kind           text        not null,    -- INVOICE, CREDIT_NOTE, TOP_UP, HOLD, RELEASE, PAYMENT, REFUND, EXPIRY
    reference      uuid        not null,    -- the invoice, intent, hold … that moves it
    part           text        not null,    -- which of its movements
    amount         numeric     not null,
    currency       text        not null,
    at             timestamptz not null,
    correlation_id text        not null,
    constraint transfer_pkey primary key (id),
    constraint transfer_once unique (reference, kind, part),
    constraint transfer_amount check (amount > 0 and amount < 'Infinity')
);

create table billing.entry (
    transfer_id bigint  not null,
    account_id  bigint  not null,
    amount      numeric not null,
    balance     numeric,                    -- after it; NULL: not kept
    constraint entry_pkey primary key (account_id, transfer_id),
    constraint entry_transfer foreign key (transfer_id) references billing.transfer (id),
    constraint entry_account foreign key (account_id) references billing.account (id)
);
create index entry_of on billing.entry (transfer_id);


-- account_of(kind, owner, currency): its id; it is made when there is none, a
-- payer's three together
create function billing.account_of(kind text, owner text, currency text) returns bigint
language plpgsql
set search_path = '' as $$
declare
    kept     text[] := '{CREDIT,HELD,RECEIVABLE}';
    found_id bigint;
begin
    for i in 1 .. 2 loop
        select a.id into found_id
        from billing.account as a
        where a.owner = account_of.owner and a.kind = account_of.kind and a.currency = account_of.currency;
        exit when found_id is not null;
        insert into billing.account (kind, owner, currency, balance)
        select k.kind, account_of.owner, account_of.currency, case when k.kind = any (kept) then 0 end
        from unnest(case when account_of.kind = any (kept) then kept else array[account_of.kind] end) as k (kind)
        on conflict on constraint account_owner do nothing;
    end loop;
    return found_id;
end
$$;

-- payer_locked(payer, currency): its balances, which stay so until the commit.
-- Who decides by a balance reads it here. Whatever moves a payer's money takes
-- the payer's row first, then all three of its accounts, so that one commit may
-- make several of a payer's movements in any order, and none stands in
-- another's way. Movements of two payers are no one's in one commit (but
-- credit_expire's, which waits for nothing else).
create function billing.payer_locked(payer text, currency text, out credit numeric, out held numeric, out receivable numeric)
language plpgsql security definer
set search_path = '' as $$
begin
    perform
    from billing.payer as p
    where p.id = payer_locked.payer
    for update;
    perform billing.account_of('CREDIT', payer_locked.payer, payer_locked.currency);
    perform
    from billing.account as a
    where a.owner = payer_locked.payer and a.currency = payer_locked.currency and a.balance is not null
    order by a.id
    for update;
    select sum(a.balance) filter (where a.kind = 'CREDIT'),
        sum(a.balance) filter (where a.kind = 'HELD'),
        sum(a.balance) filter (where a.kind = 'RECEIVABLE')
    into credit, held, receivable
    from billing.account as a
    where a.owner = payer_locked.payer and a.currency = payer_locked.currency and a.balance is not null;
end
$$;

-- credit_low(payer, currency, before, after): tells credits.low.v1, once for
-- each time that what a payer has in advance, held or not, passes below its
-- mark: whatever moved it.
create function billing.credit_low(payer text, currency text, before numeric, after numeric, correlation text)
returns void
language plpgsql
set search_path = '' as $$
declare
    known billing.payer;
begin
    select p.* into known
    from billing.payer as p
    where p.id = credit_low.payer;
    if before >= known.low_mark and after < known.low_mark then
        insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id)
        values ('billing', 'credits.low.v1', known.id, pg_catalog.jsonb_build_object(
            'customerId', case when known.kind = 'CUSTOMER' then known.id end,
            'companyId', case when known.kind = 'COMPANY' then known.id end,
            'currency', credit_low.currency,
            'balance', after,
            'lowMark', known.low_mark), correlation, '');
    end if;
end
$$;

-- move(kind, reference, part, source, target, amount, currency, at,
-- correlation): moves an amount from one account to another, once for a
-- reference, kind and part: false when it was moved before. An amount of 0
-- moves nothing and is false. Raises credit_short where the source may not go
-- so low, and where the amount has more digits than its currency. source and
-- target: {kind, owner}; those of one payer, where both are a payer's.
create function billing.move(kind text, reference uuid, part text, source_kind text, source_owner text,
    target_kind text, target_owner text, amount numeric, currency text, at timestamptz, correlation text) returns boolean
language plpgsql security definer
set search_path = '' as $$
declare
    kept   constant text[] := '{CREDIT,HELD,RECEIVABLE}';
    ahead  constant text[] := '{CREDIT,HELD}';
    source bigint;
    target bigint;
    moved  bigint;
    was    record;
    payer  text := case when move.source_kind = any (kept) then move.source_owner
        when move.target_kind = any (kept) then move.target_owner end;
    gained numeric;
    rounded numeric;
begin
    if move.amount = 0 then
        return false;
    end if;
    rounded := pg_catalog.round(move.amount, billing.minor_units(move.currency));
    if move.amount <> rounded then
        raise exception '% % is no amount of money', move.amount, move.currency using errcode = '22023';
    end if;
    move.amount := rounded;
    if move.target_kind = any (kept) and move.target_owner <> payer then
        raise exception 'from one payer to another' using errcode = '22023';
    end if;
    if payer is not null then
        was := billing.payer_locked(payer, move.currency);
    end if;
    insert into billing.transfer as t (kind, reference, part, amount, currency, at, correlation_id)
    values (move.kind, move.reference, move.part, move.amount, move.currency, move.at, move.correlation)
    on conflict on constraint transfer_once do nothing
    returning t.id into moved;
    if moved is null then
        return false;
    end if;
    source := billing.account_of(move.source_kind, move.source_owner, move.currency);
    target := billing.account_of(move.target_kind, move.target_owner, move.currency);
    gained := case when move.target_kind = any (ahead) then move.amount else 0 end
        - case when move.source_kind = any (ahead) then move.amount else 0 end;
    update billing.account as a
    set balance = a.balance + case when a.id = source then -move.amount else move.amount end,
        lot_at = case when a.kind = 'CREDIT' and gained > 0 then least(a.lot_at, move.at) else a.lot_at end
    where a.id in (source, target) and a.balance is not null;
    insert into billing.entry (transfer_id, account_id, amount, balance)
    select moved, v.id, v.amount, a.balance
    from (values (source, -move.amount), (target, move.amount)) as v (id, amount)
    join billing.account as a on a.id = v.id;
    if gained < 0 then
        perform billing.credit_low(payer, move.currency, was.credit + was.held, was.credit + was.held + gained, move.correlation);
    end if;
    return true;
end
$$;

-- Nobody writes them but move(): not the plugin's own statements either. A
-- transfer and its entries stand for good.
revoke insert, update, delete on billing.account, billing.transfer, billing.entry from vg_billing;
revoke execute on function billing.credit_low(text, text, numeric, numeric, text) from public, vg_billing;

create function billing.books_stand() returns trigger
language plpgsql as $$
begin
    raise exception 'what was moved stays moved' using errcode = '23514', constraint = 'conflict';
end
$$;
create trigger transfer_stands before update or delete on billing.transfer
    for each row execute function billing.books_stand();
create trigger entry_stands before update or delete on billing.entry
    for each row execute function billing.books_stand();


-- books: what must be nothing. Rows are faults: currencies whose entries do not
-- add up, transfers that are not two entries, balances that are not their
-- entries' sum.
create view billing.fault as
select 'currency' as what,
    t.currency as which,
    sum(e.amount) as amount
from billing.entry e
join billing.transfer t on t.id = e.transfer_id
group by t.currency
having sum(e.amount) <> 0
union all
select 'transfer',
    t.id::text,
    sum(e.amount)
from billing.transfer t
left join billing.entry e on e.transfer_id = t.id
group by t.id
having count(e.amount) <> 2 or sum(e.amount) <> 0 or max(e.amount) <> t.amount
union all
select 'account',
    a.id::text,
    a.balance - coalesce(sum(e.amount), 0)
from billing.account a
left join billing.entry e on e.account_id = a.id
where a.balance is not null
group by a.id
having a.balance <> coalesce(sum(e.amount), 0);
