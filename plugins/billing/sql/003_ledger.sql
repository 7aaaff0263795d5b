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
) with (fillfactor = 70);                   -- a balance moves on its own page, without its indexes
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


-- payer_locked(payer, currency): its balances, which stay so until the commit.
-- Who decides by a balance reads it here. Whatever moves a payer's money takes
-- the payer's row first, then all three of its accounts, so that one commit may
-- make several of a payer's movements in any order, and none stands in
-- another's way.
create function billing.payer_locked(payer text, currency text, out credit numeric, out held numeric, out receivable numeric)
language plpgsql security definer
set search_path = '' as $$
begin
    perform
    from billing.payer as p
    where p.id = payer_locked.payer
    for update;
    if not exists (
        select
        from billing.account as a
        where a.owner = payer_locked.payer and a.kind = 'CREDIT' and a.currency = payer_locked.currency)
    then
        insert into billing.account (kind, owner, currency, balance)
        select k, payer_locked.payer, payer_locked.currency, 0
        from pg_catalog.unnest(array['CREDIT', 'HELD', 'RECEIVABLE']) as k
        on conflict on constraint account_owner do nothing;
    end if;
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

-- what moves() is to move: an amount from one account to another, those of one
-- payer, where both are a payer's
create type billing.movement as (
    kind         text,
    reference    uuid,
    part         text,
    source_kind  text,
    source_owner text,
    target_kind  text,
    target_owner text,
    amount       numeric,
    currency     text
);

-- booking(kind, reference, part, payer, other_kind, other, amount, currency):
-- what a payer owes for it, to be moved to whom it is due; below zero back
create function billing.booking(kind text, reference uuid, part text, payer text, other_kind text, other text,
    amount numeric, currency text) returns billing.movement
language sql stable parallel safe
return case
    when amount < 0
    then row(kind, reference, part, other_kind, other, 'RECEIVABLE', coalesce(payer, '-'), -amount, currency)::billing.movement
    else row(kind, reference, part, 'RECEIVABLE', coalesce(payer, '-'), other_kind, other, amount, currency)::billing.movement
end;

-- accounts_of(movements, shared): the accounts that they move from and to, in
-- their order. Those of payers that there are not are made, three together;
-- what payers share only if it is said so, with the payers' locked: who makes
-- one is waited for.
create function billing.accounts_of(movements billing.movement[], shared boolean, out sources bigint[], out targets bigint[])
language plpgsql
set search_path = '' as $$
declare
    kept constant text[] := '{CREDIT,HELD,RECEIVABLE}';
begin
    for i in 1 .. 2 loop
        -- each looked up by itself: a plan that was made while there were no accounts reads all of them
        select array_agg((
                select a.id
                from billing.account as a
                where a.owner = m.source_owner and a.kind = m.source_kind and a.currency = m.currency) order by m.place),
            array_agg((
                select a.id
                from billing.account as a
                where a.owner = m.target_owner and a.kind = m.target_kind and a.currency = m.currency) order by m.place)
        into sources, targets
        from unnest(movements) with ordinality as m (kind, reference, part, source_kind, source_owner, target_kind,
            target_owner, amount, currency, place);
        exit when pg_catalog.array_position(sources, null) is null and pg_catalog.array_position(targets, null) is null;
        insert into billing.account (kind, owner, currency, balance)
        select distinct k.kind, e.owner, m.currency, case when k.kind = any (kept) then 0 end
        from unnest(movements) as m
        cross join lateral (values (m.source_kind, m.source_owner), (m.target_kind, m.target_owner)) as e (kind, owner)
        cross join lateral unnest(case when e.kind = any (kept) then kept else array[e.kind] end) as k (kind)
        where shared or e.kind = any (kept)
        order by e.owner, k.kind, m.currency
        on conflict on constraint account_owner do nothing;
    end loop;
end
$$;

-- moves(movements, at, correlation): makes movements, each once for a
-- reference, kind and part, and says how many it made: not those that were made
-- before, and none of nothing. Raises credit_short where an account may not go
-- so low, and where an amount has more digits than its currency. All payers,
-- then all accounts, are locked in one order before anything moves, so that two
-- who move several payers' money do not wait for each other.
create function billing.moves(movements billing.movement[], at timestamptz, correlation text) returns int
language plpgsql security definer
set search_path = '' as $$
declare
    kept     constant text[] := '{CREDIT,HELD,RECEIVABLE}';
    ahead    constant text[] := '{CREDIT,HELD}';
    m        billing.movement[];
    payers   text[];
    currencies text[];
    odd      text;
    mixed    boolean;
    spent    boolean;                       -- of what is paid in advance
    sources  bigint[];
    targets  bigint[];
    ids      bigint[];                      -- of their transfers, which rise with their order
    made     bigint[];
    accounts bigint[];                      -- kept ones whose balance changes
    changes  numeric[];
    lots     boolean[];                     -- something came into this CREDIT
    low      record;
begin
    select array_agg(row(u.kind, u.reference, u.part, u.source_kind, u.source_owner, u.target_kind, u.target_owner,
            u.rounded, u.currency)::billing.movement order by u.place),
        array_agg(distinct u.payer) filter (where u.payer is not null),
        array_agg(distinct u.currency),
        min(u.amount || ' ' || u.currency) filter (where u.amount <> u.rounded),
        bool_or(u.target_kind = any (kept) and u.target_owner <> u.payer),
        bool_or(u.source_kind = any (ahead) and not u.target_kind = any (ahead))
    into m, payers, currencies, odd, mixed, spent
    from (
        select w.*,
            case
                when w.source_kind = any (kept) then w.source_owner
                when w.target_kind = any (kept) then w.target_owner
            end as payer,
            pg_catalog.round(w.amount, coalesce((
                select c.minor_units
                from billing.currency as c
                where c.code = w.currency), 2)) as rounded
        from unnest(movements) with ordinality as w (kind, reference, part, source_kind, source_owner, target_kind,
            target_owner, amount, currency, place)
        where w.amount is distinct from 0
        order by w.place) as u;
    if m is null then
        return 0;
    end if;
    if odd is not null then
        raise exception '% is no amount of money', odd using errcode = '22023';
    elsif mixed then
        raise exception 'from one payer to another' using errcode = '22023';
    end if;
    perform
    from billing.payer as p
    where p.id = any (payers)
    order by p.id
    for update;
    select * into sources, targets
    from billing.accounts_of(m, false);
    perform
    from billing.account as a
    where a.owner = any (payers)
        and a.balance is not null
        and a.currency = any (currencies)
    order by a.id
    for update;
    if pg_catalog.array_position(sources, null) is not null or pg_catalog.array_position(targets, null) is not null then
        select * into sources, targets
        from billing.accounts_of(m, true);
    end if;
    -- drawn now: an account's entries stand in the order of their transfers
    for i in 1 .. pg_catalog.cardinality(m) loop
        ids[i] := pg_catalog.nextval('billing.transfer_id_seq');
    end loop;
    with written as (
        insert into billing.transfer as t (id, kind, reference, part, amount, currency, at, correlation_id)
        overriding system value
        select ids[w.place], w.kind, w.reference, w.part, w.amount, w.currency, moves.at, moves.correlation
        from unnest(m) with ordinality as w (kind, reference, part, source_kind, source_owner, target_kind,
            target_owner, amount, currency, place)
        on conflict on constraint transfer_once do nothing
        returning t.id
    )
    select array_agg(w.id) into made
    from written as w;
    if made is null then
        return 0;
    end if;

    select array_agg(c.account), array_agg(c.change), array_agg(c.lot)
    into accounts, changes, lots
    from (
        select e.account,
            sum(e.amount) as change,
            bool_or(w.target_kind = 'CREDIT' and e.amount > 0 and not w.source_kind = any (ahead)) as lot
        from unnest(m) with ordinality as w (kind, reference, part, source_kind, source_owner, target_kind,
            target_owner, amount, currency, place)
        cross join lateral (values (sources[w.place], -w.amount), (targets[w.place], w.amount)) as e (account, amount)
        where ids[w.place] = any (made)
        group by e.account) as c;
    -- by their ids alone, whatever plan there is
    update billing.account as a
    set balance = a.balance + changes[pg_catalog.array_position(accounts, a.id)],
        lot_at = case when lots[pg_catalog.array_position(accounts, a.id)] then least(a.lot_at, moves.at) else a.lot_at end
    where a.id = any (accounts) and a.balance is not null;
    insert into billing.entry (transfer_id, account_id, amount, balance)
    select e.transfer, e.account, e.amount, (
            select a.balance
            from billing.account as a
            where a.id = e.account)
        - coalesce(sum(e.amount) over (partition by e.account order by e.transfer desc rows between unbounded preceding
            and 1 preceding), 0)
    from (
        select ids[w.place] as transfer, v.account, v.amount
        from unnest(m) with ordinality as w (kind, reference, part, source_kind, source_owner, target_kind,
            target_owner, amount, currency, place)
        cross join lateral (values (sources[w.place], -w.amount), (targets[w.place], w.amount)) as v (account, amount)
        where ids[w.place] = any (made)) as e;
    if not spent then
        return pg_catalog.cardinality(made);
    end if;
    for low in
        select w.source_owner as payer, w.currency, sum(w.amount) as gone
        from unnest(m) with ordinality as w (kind, reference, part, source_kind, source_owner, target_kind,
            target_owner, amount, currency, place)
        where w.source_kind = any (ahead) and not w.target_kind = any (ahead) and ids[w.place] = any (made)
        group by w.source_owner, w.currency
    loop
        perform billing.credit_low(low.payer, low.currency, sum(a.balance) + low.gone, sum(a.balance), moves.correlation)
        from billing.account as a
        where a.owner = low.payer and a.kind = any (ahead) and a.currency = low.currency;
    end loop;
    return pg_catalog.cardinality(made);
end
$$;

-- move(kind, reference, part, source, target, amount, currency, at,
-- correlation): one of them: false when it was moved before, or is nothing.
-- source and target: {kind, owner}
create function billing.move(kind text, reference uuid, part text, source_kind text, source_owner text,
    target_kind text, target_owner text, amount numeric, currency text, at timestamptz, correlation text) returns boolean
language plpgsql
set search_path = '' as $$
begin
    return billing.moves(array[row(move.kind, move.reference, move.part, move.source_kind, move.source_owner,
        move.target_kind, move.target_owner, move.amount, move.currency)::billing.movement], move.at, move.correlation) > 0;
end
$$;

-- Nobody writes them but moves(): not the plugin's own statements either. A
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
