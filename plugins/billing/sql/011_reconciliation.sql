-- What providers say that they have moved on a day (of UTC), and how that
-- differs from our books.

create table billing.reconciliation (
    provider   text        not null,
    day        date        not null,
    run        uuid        not null,        -- pages of an older one are not taken
    status     text        not null,        -- RUNNING, DONE, FAILED
    reason     text,
    pages      int         not null default 0,
    started_at timestamptz not null,
    ended_at   timestamptz,
    constraint reconciliation_pkey primary key (provider, day),
    constraint reconciliation_status check (status in ('RUNNING', 'DONE', 'FAILED'))
);

-- By the provider's name of it: what slips from one page to the next is one.
create table billing.provider_entry (
    provider  text        not null,
    day       date        not null,
    entry     text        not null,
    what      text        not null,         -- CHARGE, REFUND, DISPUTE
    ref       text,                         -- the provider's payment
    intent_id uuid,                         -- NULL: none of ours
    amount    numeric     not null,         -- below zero: of a refund that was taken back, a dispute that was won
    currency  text        not null,
    at        timestamptz not null,
    constraint provider_entry_pkey primary key (provider, day, entry),
    constraint provider_entry_what check (what in ('CHARGE', 'REFUND', 'DISPUTE'))
);
create index provider_entry_intent on billing.provider_entry (intent_id);

-- export_job(provider, day, run, part, cursor): what the job asks for next.
-- Razorpay's days are India's, so a day of UTC is a part of two of them.
create function billing.export_job(provider text, day date, run uuid, part int, cursor text) returns jsonb
language sql stable parallel safe
return jsonb_build_object(
    'provider', provider,
    'date', day::text,
    'run', run,
    'part', part,
    'cursor', cursor,
    'path', case provider
        when 'stripe' then '/v1/balance_transactions?limit=20&expand%5B%5D=data.source&created%5Bgte%5D='
            || extract(epoch from day::timestamp at time zone 'UTC')::bigint || '&created%5Blt%5D='
            || extract(epoch from (day + 1)::timestamp at time zone 'UTC')::bigint
            || coalesce('&starting_after=' || cursor, '')
        when 'razorpay' then '/v1/settlements/recon/combined?count=50&year=' || to_char(day + part, 'YYYY')
            || '&month=' || to_char(day + part, 'MM') || '&day=' || to_char(day + part, 'DD')
            || '&skip=' || coalesce(cursor, '0')
    end);

-- reconciliation_begin(provider, day, at): the first job; NULL: one is running
create function billing.reconciliation_begin(provider text, day date, at timestamptz) returns jsonb
language plpgsql
set search_path = '' as $$
declare
    begun uuid;
begin
    insert into billing.reconciliation as r (provider, day, run, status, started_at)
    values (reconciliation_begin.provider, reconciliation_begin.day, pg_catalog.gen_random_uuid(), 'RUNNING', at)
    on conflict on constraint reconciliation_pkey do update
    set run = excluded.run, status = 'RUNNING', reason = null, pages = 0, started_at = excluded.started_at, ended_at = null
    where r.status <> 'RUNNING' or r.started_at < at - interval '1 hour'
    returning r.run into begun;
    if begun is null then
        return null;
    end if;
    delete from billing.provider_entry as e
    where e.provider = reconciliation_begin.provider and e.day = reconciliation_begin.day;
    return billing.export_job(reconciliation_begin.provider, reconciliation_begin.day, begun, 0, null);
end
$$;

-- reconciliation_due(providers, at): days whose exports are wanted now: of the
-- last seven, each from 02:00 UTC of the next day on, that are not there; and
-- those that could not be had six hours ago. So a night in which nobody was
-- there, or the provider was not, is made up for.
create function billing.reconciliation_due(providers text, at timestamptz) returns table (provider text, day date)
language sql stable as $$
    select p.provider,
        (at at time zone 'UTC' - interval '26 hours')::date - n
    from unnest(string_to_array(providers, ' ')) p (provider)
    cross join generate_series(0, 6) n
    where p.provider in ('stripe', 'razorpay')
        and not exists (
            select
            from billing.reconciliation r
            where r.provider = p.provider
                and r.day = (at at time zone 'UTC' - interval '26 hours')::date - n
                and (r.status = 'DONE' or r.started_at > at - interval '6 hours'));
$$;

create function billing.export_uuid(text text) returns uuid
language sql immutable parallel safe
return case
    when text ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then text::uuid
end;

-- export_rows(provider, page): one shape for all of them. What is about no
-- payment (fees, payouts) is left out. Stripe says what came to us, perhaps in
-- another currency than was paid: what was paid stands in its source.
create function billing.export_rows(provider text, page jsonb)
returns table (entry text, what text, ref text, intent text, minor numeric, currency text, at timestamptz)
language sql stable parallel safe as $$
    select t.value ->> 'id',
        k.what,
        t.value #>> '{source,payment_intent}',
        t.value #>> '{source,metadata,intent}',
        case k.what when 'CHARGE' then 1 else -1 end * case
            when t.value #>> '{source,currency}' <> t.value ->> 'currency'
                then sign((t.value ->> 'amount')::numeric)
                    * coalesce(t.value #>> '{source,amount_captured}', t.value #>> '{source,amount}')::numeric
            else (t.value ->> 'amount')::numeric
        end,
        upper(coalesce(t.value #>> '{source,currency}', t.value ->> 'currency')),
        to_timestamp((t.value ->> 'created')::bigint)
    from jsonb_array_elements(page -> 'data') t
    join (
        values
            ('charge', 'CHARGE'), ('payment', 'CHARGE'), ('refund', 'REFUND'), ('payment_refund', 'REFUND'),
            ('refund_failure', 'REFUND'), ('payment_failure_refund', 'REFUND'), ('adjustment', 'DISPUTE')
        ) k (type, what) on k.type = t.value ->> 'type'
    where provider = 'stripe'
        and (k.what <> 'DISPUTE' or t.value #>> '{source,object}' = 'dispute')
    union all
    select t.value ->> 'entity_id',
        k.what,
        coalesce(t.value ->> 'payment_id', t.value ->> 'entity_id'),
        t.value ->> 'order_receipt',
        case k.what
            when 'DISPUTE' then (t.value ->> 'debit')::numeric - (t.value ->> 'credit')::numeric
            else (t.value ->> 'amount')::numeric
        end,
        upper(t.value ->> 'currency'),
        to_timestamp((t.value ->> 'created_at')::bigint)
    from jsonb_array_elements(page -> 'items') t
    join (
        values
            ('payment', 'CHARGE'), ('refund', 'REFUND'), ('adjustment', 'DISPUTE')
        ) k (type, what) on k.type = t.value ->> 'type'
    where provider = 'razorpay'
        and (k.what <> 'DISPUTE' or t.value ->> 'payment_id' is not null);
$$;

-- export_heard(…): a page is written down; the next job, or NULL: that was all.
-- The next page's place is ours to make, not the provider's.
create function billing.export_heard(of_provider text, of_day date, of_run uuid, part int, cursor text, page jsonb,
    moment timestamptz) returns jsonb
language plpgsql
set search_path = '' as $$
declare
    items jsonb := coalesce(page -> 'data', page -> 'items');
    last  text;
begin
    perform
    from billing.reconciliation as r
    where r.provider = of_provider and r.day = of_day and r.run = of_run and r.status = 'RUNNING'
    for update;
    if not found then
        return null;
    end if;
    if pg_catalog.jsonb_typeof(items) is distinct from 'array' then
        update billing.reconciliation as r
        set status = 'FAILED', reason = 'no_export', ended_at = moment
        where r.provider = of_provider and r.day = of_day;
        return null;
    end if;
    insert into billing.provider_entry (provider, day, entry, what, ref, intent_id, amount, currency, at)
    select of_provider, of_day, e.entry, e.what, e.ref, (
            select i.id
            from billing.intent as i
            where i.provider = of_provider
                and (i.id = billing.export_uuid(e.intent) or i.provider_ref = e.ref)
            order by i.provider_ref = e.ref desc nulls last
            limit 1),
        pg_catalog.round(e.minor / 10::numeric ^ billing.minor_units(e.currency), billing.minor_units(e.currency)),
        e.currency, e.at
    from billing.export_rows(of_provider, page) as e
    where e.at >= of_day::timestamp at time zone 'UTC'
        and e.at < (of_day + 1)::timestamp at time zone 'UTC'
    on conflict on constraint provider_entry_pkey do nothing;
    update billing.reconciliation as r
    set pages = r.pages + 1
    where r.provider = of_provider and r.day = of_day;
    last := items -> -1 ->> 'id';
    if page ->> 'has_more' = 'true' and last ~ '^[A-Za-z0-9_]{1,255}$' and last is distinct from cursor then
        return billing.export_job(of_provider, of_day, of_run, part, last);
    end if;
    if of_provider = 'razorpay' and pg_catalog.jsonb_array_length(items) = 50 then
        return billing.export_job(of_provider, of_day, of_run, part, (coalesce(cursor, '0')::int + 50)::text);
    end if;
    if of_provider = 'razorpay' and part = 0 then
        return billing.export_job(of_provider, of_day, of_run, 1, null);
    end if;
    update billing.reconciliation as r
    set status = 'DONE', ended_at = moment
    where r.provider = of_provider and r.day = of_day;
    return null;
end
$$;

-- what our books say has gone through a provider: one row a payment and way
create function billing.provider_booked(of_provider text, since timestamptz, until timestamptz)
returns table (intent_id uuid, what text, amount numeric, currency text)
language sql stable as $$
    select t.reference,
        case when t.kind = 'REFUND' then 'REFUND' else 'CHARGE' end,
        abs(sum(e.amount)),
        t.currency
    from billing.account a
    join billing.entry e on e.account_id = a.id
    join billing.transfer t on t.id = e.transfer_id
    where a.kind = 'PROVIDER'
        and a.owner = of_provider
        and t.at >= since
        and t.at < until
    group by t.reference, t.kind = 'REFUND', t.currency
    having sum(e.amount) <> 0;
$$;

-- differences(provider, day): each by its name.
--
--   MISSING_HERE      theirs alone, and no payment of ours, or not so much of it
--   MISSING_THERE     ours alone
--   AMOUNT_DIFFERS, CURRENCY_DIFFERS
--   STATUS_DIFFERS    charged there, and not captured here
--   DISPUTED          its holder has it back, or the provider keeps it meanwhile
--   DOUBLED           one payment of ours, charged there under several names
--   OTHER_DAY         the same on both sides, on either side of midnight
create function billing.differences(of_provider text, of_day date)
returns table (name text, what text, intent_id uuid, ref text, ours numeric, theirs numeric, currency text,
    their_currency text, status text)
language sql stable as $$
    with bounds as (
        select of_day::timestamp at time zone 'UTC' as since
    ), ours as (
        select b.*
        from bounds o
        cross join lateral billing.provider_booked(of_provider, o.since, o.since + interval '1 day') b
    ), theirs as (
        select e.intent_id,
            case when e.intent_id is null then e.entry end as entry,
            e.what,
            min(e.ref) as ref,
            sum(e.amount) as amount,
            min(e.currency) as currency,
            count(distinct e.ref) as refs
        from billing.provider_entry e
        where e.provider = of_provider
            and e.day = of_day
        group by e.intent_id, case when e.intent_id is null then e.entry end, e.what
        having sum(e.amount) <> 0
    ), both_sides as (
        select coalesce(o.what, t.what) as what,
            coalesce(o.intent_id, t.intent_id) as intent_id,
            t.ref, o.amount as ours, t.amount as theirs, o.currency, t.currency as their_currency, t.refs
        from ours o
        full join theirs t on t.intent_id = o.intent_id and t.what = o.what
    ), named as (
        select case
                when b.what = 'DISPUTE' then 'DISPUTED'
                when b.refs > 1 and b.what = 'CHARGE' then 'DOUBLED'
                when b.currency <> b.their_currency then 'CURRENCY_DIFFERS'
                when b.ours <> b.theirs then 'AMOUNT_DIFFERS'
                when b.ours is not null and b.theirs is not null then null
                when b.theirs is not null and exists (
                    select
                    from bounds o
                    cross join lateral billing.provider_booked(of_provider, o.since - interval '1 day', o.since + interval '2 days') n
                    where n.intent_id = b.intent_id and n.what = b.what and n.amount = b.theirs and n.currency = b.their_currency)
                then 'OTHER_DAY'
                when b.ours is not null and exists (
                    select
                    from billing.provider_entry e
                    where e.provider = of_provider and e.intent_id = b.intent_id and e.what = b.what
                        and e.day in (of_day - 1, of_day + 1) and e.amount = b.ours and e.currency = b.currency)
                then 'OTHER_DAY'
                when b.ours is not null then 'MISSING_THERE'
                when b.what = 'CHARGE' and i.captured = 0 then 'STATUS_DIFFERS'
                else 'MISSING_HERE'
            end as name,
            b.*,
            i.status
        from both_sides b
        left join billing.intent i on i.id = b.intent_id
    )
    select n.name, n.what, n.intent_id, n.ref, n.ours, n.theirs, n.currency, n.their_currency, n.status
    from named n
    where n.name is not null
    order by n.name, n.what, n.intent_id, n.ref;
$$;

create function billing.reconciliation_body(r billing.reconciliation) returns json
language sql stable as $$
    select json_build_object(
        'provider', r.provider,
        'date', r.day,
        'status', r.status,
        'reason', r.reason,
        'pages', r.pages,
        'startedAt', vg.z(r.started_at),
        'endedAt', vg.z(r.ended_at),
        'ours', (
            select coalesce(json_agg(json_build_object('what', o.what, 'currency', o.currency, 'count', o.count,
                'amount', o.amount) order by o.what, o.currency), '[]')
            from (
                select b.what, b.currency, count(*) as count, sum(b.amount) as amount
                from billing.provider_booked(r.provider, r.day::timestamp at time zone 'UTC',
                    (r.day + 1)::timestamp at time zone 'UTC') b
                group by b.what, b.currency) o),
        'theirs', (
            select coalesce(json_agg(json_build_object('what', t.what, 'currency', t.currency, 'count', t.count,
                'amount', t.amount) order by t.what, t.currency), '[]')
            from (
                select e.what, e.currency, count(*) as count, sum(e.amount) as amount
                from billing.provider_entry e
                where e.provider = r.provider and e.day = r.day
                group by e.what, e.currency) t),
        'differences', case when r.status = 'DONE' then (
            select coalesce(json_agg(json_build_object('name', d.name, 'what', d.what, 'paymentId', d.intent_id,
                'ref', d.ref, 'ours', d.ours, 'theirs', d.theirs, 'currency', d.currency,
                'theirCurrency', d.their_currency, 'status', d.status)), '[]')
            from billing.differences(r.provider, r.day) d) end);
$$;
