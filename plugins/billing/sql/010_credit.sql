-- Credit: what a payer has paid in advance. All of it is in the books
-- (003_ledger.sql); here is what is decided by them.

create function billing.payer_body(p billing.payer) returns json
language sql stable parallel safe
return json_build_object(
    'id', p.id,
    'kind', p.kind,
    'terms', p.terms,
    'methodId', p.method_id,
    'lowMark', p.low_mark,
    'version', p.version);

create view billing.payer_json as
select p.id,
    case when p.kind = 'CUSTOMER' then p.id end as customer_id,
    case when p.kind = 'COMPANY' then p.id end as company_id,
    billing.payer_body(p) as body
from billing.payer p;

-- payer_asked(role, caller, company, customer asked for, company asked for):
-- about whom a call is, if the caller may act for it; with neither asked for,
-- the caller itself. No row: nobody, or not its own. An id that pays as the
-- other kind is another's.
create function billing.payer_asked(role text, caller text, caller_company text, customer_id text, company_id text)
returns table (customer text, company text)
language sql stable
begin atomic
    select a.customer,
        a.company
    from (
        select case
                when company_id is not null then null
                when customer_id is not null then customer_id
                when role = 'driver' then caller
            end,
            case
                when company_id is not null then company_id
                when customer_id is null and role = 'fleet_manager' then caller_company
            end) as a (customer, company)
    left join billing.payer p on p.id = billing.payer_of(a.customer, a.company)
    where billing.payer_of(a.customer, a.company) <> ''
        and vg.visible(role, caller, caller_company, a.customer, null, a.company)
        and (p.id is null or (p.kind = 'COMPANY') = (a.company is not null));
end;

-- A payer's movements of credit: one of its accounts' entries each. Two for
-- what moves between them.
create view billing.credit_movement as
select a.id as account_id,
    a.owner as payer,
    a.currency,
    e.transfer_id,
    json_build_object(
        'id', e.transfer_id || '-' || a.id,
        'account', a.kind,
        'kind', t.kind,
        'reference', t.reference,
        'amount', e.amount,
        'currency', a.currency,
        'balance', e.balance,
        'at', vg.z(t.at)) as body
from billing.account a
join billing.entry e on e.account_id = a.id
join billing.transfer t on t.id = e.transfer_id
where a.kind in ('CREDIT', 'HELD');

-- credit_place(transfer, account): the place of a movement as an id, for lists
-- of rows of many kinds: before all that are made of a time
create function billing.credit_place(transfer_id bigint, account_id bigint) returns uuid
language sql immutable parallel safe
return (lpad(to_hex(transfer_id), 16, '0') || lpad(to_hex(account_id), 16, '0'))::uuid;

-- credit_cursor(text): the place of a movement; beyond the first when it is none
create function billing.credit_cursor(cursor text, out transfer_id bigint, out account_id bigint) returns record
language sql immutable parallel safe
return case when cursor ~ '^[0-9]{1,18}-[0-9]{1,18}$'
    then (split_part(cursor, '-', 1)::bigint, split_part(cursor, '-', 2)::bigint)
    else (0::bigint, 0::bigint)
end;


-- credit_balances(payer): by currency what may be used, what holds and refunds
-- under way keep, and what is owed for invoices
create function billing.credit_balances(payer text) returns json
language sql stable
return (
    select coalesce(json_agg(json_build_object(
        'currency', b.currency,
        'available', round(b.credit, billing.minor_units(b.currency)),
        'held', round(b.held, billing.minor_units(b.currency)),
        'owed', round(b.owed, billing.minor_units(b.currency))) order by b.currency), '[]')
    from (
        select a.currency,
            sum(a.balance) filter (where a.kind = 'CREDIT') as credit,
            sum(a.balance) filter (where a.kind = 'HELD') as held,
            - sum(a.balance) filter (where a.kind = 'RECEIVABLE') as owed
        from billing.account a
        where a.owner = payer
            and a.balance is not null
        group by a.currency) b);

-- credit_use(payer, invoice, amount, currency, at, correlation): pays an invoice
-- from credit, as far as that goes; answers what it paid. amount is what is open:
-- the caller has the invoice's row, since what is called twice pays twice.
create function billing.credit_use(payer text, invoice uuid, amount numeric, currency text, at timestamptz,
    correlation text) returns numeric
language plpgsql
set search_path = '' as $$
declare
    used  numeric := least(amount, (billing.payer_locked(credit_use.payer, credit_use.currency)).credit);
    times bigint;
begin
    select count(*) into times
    from billing.transfer as t
    where t.reference = invoice and t.kind = 'PAYMENT' and t.part like 'credit/%';
    if used <= 0 then
        return 0;
    end if;
    perform billing.move('PAYMENT', invoice, 'credit/' || times + 1, 'CREDIT', credit_use.payer,
        'RECEIVABLE', credit_use.payer, used, credit_use.currency, at, correlation);
    return used;
end
$$;


-- credit_refund(payer, currency, amount, at, correlation): gives credit back to
-- the methods that paid it in, the newest first; NULL: all that can go so. What
-- is wished so is HELD from then on (billing.intent_books()), so that nobody can
-- spend it, until the provider has said what became of it. Answers [{paymentId,
-- amount}]; credit_short, refund_too_high where less was paid in.
create function billing.credit_refund(payer text, currency text, amount numeric, at timestamptz, correlation text)
returns jsonb
language plpgsql
set search_path = '' as $$
declare
    i      billing.intent;
    credit numeric;
    due    numeric;
    part   numeric;
    parts  jsonb := '[]';
begin
    credit := (billing.payer_locked(credit_refund.payer, credit_refund.currency)).credit;
    due := coalesce(credit_refund.amount, credit);
    if due > credit or due <= 0 then
        raise exception 'credit is short' using errcode = '23514', constraint = 'credit_short';
    end if;
    for i in
        select t.*
        from billing.intent as t
        where t.payer = credit_refund.payer and t.currency = credit_refund.currency
            and t.purpose in ('TOP_UP', 'CHARGE') and t.captured > t.to_refund
        order by t.created_at desc, t.id desc
    loop
        part := least(due, i.captured - i.to_refund);
        perform billing.intent_wished(i.id, null, null, i.to_refund + part, at, correlation);
        parts := parts || pg_catalog.jsonb_build_object('paymentId', i.id, 'amount', part);
        due := due - part;
        exit when due = 0;
    end loop;
    if (due > 0 and credit_refund.amount is not null) or parts = '[]' then
        raise exception 'so much was not paid in' using errcode = '23514', constraint = 'refund_too_high';
    end if;
    return parts;
end
$$;


-- credit_flow(payer, currency): what came in (above zero) and went out. What
-- only went to HELD and back is neither.
create function billing.credit_flow(payer text, currency text) returns table (at timestamptz, id bigint, amount numeric)
language sql stable
begin atomic
    select t.at,
        t.id,
        sum(e.amount)
    from billing.account a
    join billing.entry e on e.account_id = a.id
    join billing.transfer t on t.id = e.transfer_id
    where a.owner = payer
        and a.currency = credit_flow.currency
        and a.kind in ('CREDIT', 'HELD')
    group by t.at, t.id
    having sum(e.amount) <> 0;
end;

-- credit_lapse(account, before, at, correlation): what came in before then and
-- was not used goes to EXPIRED; how much. First in, first out: what went out is of
-- the oldest, and so is what is held, which lapses when it is let go and not
-- before.
create function billing.credit_lapse(account bigint, before timestamptz, at timestamptz, correlation text) returns numeric
language plpgsql security definer
set search_path = '' as $$
declare
    a    billing.account;
    held numeric;
    gone numeric;
    old  numeric;
begin
    select o.* into a
    from billing.account as o
    where o.id = account;
    held := (billing.payer_locked(a.owner, a.currency)).held;
    select coalesce(sum(f.amount) filter (where f.amount > 0 and f.at < before), 0),
        - coalesce(sum(f.amount) filter (where f.amount < 0), 0)
    into old, gone
    from billing.credit_flow(a.owner, a.currency) as f;
    old := greatest(old - gone - held, 0);
    perform billing.move('EXPIRY', pg_catalog.gen_random_uuid(), '', 'CREDIT', a.owner, 'EXPIRED', '-',
        old, a.currency, at, correlation);
    -- the oldest lot of which something is left; of what is held it is looked at again the next time
    update billing.account as o
    set lot_at = (
        select greatest(min(l.at), before)
        from (
            select f.at,
                sum(f.amount) over (order by f.at, f.id) as until
            from billing.credit_flow(a.owner, a.currency) as f
            where f.amount > 0) as l
        where l.until > gone + old
        having count(*) > 0)
    where o.id = a.id;
    return old;
end
$$;
