-- What subscriptions give sessions: the energy that a cycle includes, counted
-- down, and a discount. What it comes to is reckoned by benefit.c; here stands
-- what is left, and that no kWh is used twice.

-- What a session has used of an allowance: once, however often it is told.
create table billing.allowance_use (
    session_id      uuid        not null,
    subscription_id uuid        not null,
    starts_at       timestamptz not null,
    kwh             numeric     not null,
    ended_at        timestamptz not null,   -- the session
    constraint allowance_use_pkey primary key (session_id, subscription_id),
    constraint allowance_use_of foreign key (subscription_id, starts_at)
        references billing.allowance (subscription_id, starts_at),
    constraint allowance_use_some check (kwh > 0)
);
create index allowance_use_age on billing.allowance_use (ended_at);

-- gives(state): kWh that its cycle includes: both plans' parts, where it was changed
create function billing.gives(s jsonb) returns numeric
language sql immutable parallel safe
return coalesce(s ->> 'includedKwh', s #>> '{terms,includedKwh}')::numeric;

-- A cycle has begun, its plan is another, or it is over before its end: then it
-- includes what was not given back (keptKwh), for what is heard later. Locks:
-- subscription, issuer, allowance; only what changes a cycle that runs waits for
-- the sessions that draw on it. The plan is made for the one row that it sees
-- first; by a nested loop a batch would be looked through for each of its rows.
create function billing.allowance_follows() returns trigger
language plpgsql
set search_path = '' set enable_nestloop = off as $$
declare
    over record;
begin
    for over in
        select n.id,
            (o.state ->> 'periodStart')::timestamptz as begun,
            (n.state ->> 'keptKwh')::numeric as kept,
            case n.status when 'CANCELLED' then n.state ->> 'endedAt' else n.state ->> 'periodStart' end::timestamptz as at
        from ended as o
        join begun as n on n.id = o.id
        where n.version <> o.version
            and o.state ? 'periodEnd'
            and (o.state ->> 'periodEnd')::timestamptz
                > case n.status when 'CANCELLED' then n.state ->> 'endedAt' else n.state ->> 'periodStart' end::timestamptz
            and (n.status = 'CANCELLED' or n.state -> 'periodStart' <> o.state -> 'periodStart')
    loop
        update billing.allowance as a
        set ends_at = greatest(over.at, a.starts_at),
            included_kwh = least(a.included_kwh, greatest(a.used_kwh, over.kept))
        where a.subscription_id = over.id
            and a.starts_at = over.begun
            and a.ends_at > over.at;
    end loop;
    insert into billing.allowance as a (subscription_id, starts_at, ends_at, currency, included_kwh, discount_percent)
    select n.id, (n.state ->> 'periodStart')::timestamptz, (n.state ->> 'periodEnd')::timestamptz,
        n.state #>> '{terms,currency}', billing.gives(n.state), (n.state #>> '{terms,discountPercent}')::numeric
    from ended as o
    join begun as n on n.id = o.id
    where n.status = 'ACTIVE'
        and (o.status = 'PENDING'
            or (n.state -> 'periodStart', n.state -> 'terms', billing.gives(n.state))
                is distinct from (o.state -> 'periodStart', o.state -> 'terms', billing.gives(o.state)))
        and (billing.gives(n.state) > 0 or (n.state #>> '{terms,discountPercent}')::numeric > 0
            or o.status = 'ACTIVE' and o.state -> 'periodStart' = n.state -> 'periodStart')
    on conflict on constraint allowance_pkey do update
    set included_kwh = excluded.included_kwh,
        discount_percent = excluded.discount_percent;
    return null;
end
$$;
create trigger allowance_follows after update on billing.subscription
    referencing old table as ended new table as begun
    for each statement execute function billing.allowance_follows();

-- allowances(customer, company, issuer, currency, ended): what a session draws
-- on: its payer's subscriptions with that operator, of the cycles in which it
-- ended; first what ends first. `is not distinct from` is found by no index: a
-- plan without statistics would read all of an operator's.
create function billing.allowances(customer_id text, company_id text, issuer text, currency text, ended timestamptz)
returns setof billing.allowance
language sql stable parallel safe
begin atomic
    select a.*
    from billing.subscription s
    join billing.allowance a on a.subscription_id = s.id
    where (s.company_id = allowances.company_id or s.customer_id = allowances.customer_id)
        and s.company_id is not distinct from allowances.company_id
        and s.issuer is not distinct from allowances.issuer
        and billing.subscription_gives(s.status, s.state)
        and a.currency = allowances.currency
        and a.starts_at <= ended
        and a.ends_at > ended
    order by a.ends_at, a.subscription_id;
end;

-- session_issue(session, issuer, customer, company, invoice, supplied, taken,
-- currency, ended, at, correlation): its invoice, and so many kWh used of what its
-- payer's subscriptions include, in one commit. They were counted out before,
-- from what was left then: if that is no longer there, all of it is a conflict,
-- and is reckoned anew. Used once, also where there is nothing left to pay.
create function billing.session_issue(session uuid, issuer text, customer_id text, company_id text, invoice jsonb,
    supplied jsonb, taken numeric, currency text, ended timestamptz, at timestamptz, correlation text) returns jsonb
language plpgsql
set search_path = '' as $$
declare
    due   numeric := coalesce(taken, 0);
    part  numeric;
    of    billing.allowance;
begin
    if due > 0 then
        perform
        from billing.issuer as i
        where i.issuer = session_issue.issuer
        for update;
        due := case when exists (
            select
            from billing.allowance_use as u
            where u.session_id = session) or exists (
            select
            from billing.invoice as v
            where v.subject_id = session and v.subject_kind = 'SESSION' and v.part = '')
            then 0 else due end;
    end if;
    for of in
        select o.*
        from billing.allowances(customer_id, company_id, issuer, currency, ended) as o
        where due > 0
    loop
        exit when due = 0;
        select a.* into of
        from billing.allowance as a
        where a.subscription_id = of.subscription_id and a.starts_at = of.starts_at
        for update;
        part := least(due, of.included_kwh - of.used_kwh);
        continue when part = 0;
        update billing.allowance as a
        set used_kwh = a.used_kwh + part
        where a.subscription_id = of.subscription_id and a.starts_at = of.starts_at;
        insert into billing.allowance_use (session_id, subscription_id, starts_at, kwh, ended_at)
        values (session, of.subscription_id, of.starts_at, part, ended);
        due := due - part;
    end loop;
    if due > 0 then
        raise exception 'less is included by now' using errcode = '23514', constraint = 'conflict';
    end if;
    return billing.invoice_issue('SESSION', session, '', issuer, customer_id, company_id, invoice, supplied, at, correlation);
end
$$;

-- allowance_locked(subscription, used): its cycle's row, so that nobody draws on
-- it until the commit; a conflict where more was used than a change was reckoned
-- with. Whatever is issued by that commit is the same issuer's.
create function billing.allowance_locked(b billing.subscription, used numeric) returns void
language plpgsql
set search_path = '' as $$
declare
    now_used numeric;
begin
    perform
    from billing.issuer as i
    where i.issuer = b.issuer
    for update;
    select a.used_kwh into now_used
    from billing.allowance as a
    where a.subscription_id = b.id
        and a.starts_at = (b.state ->> 'periodStart')::timestamptz
    for update;
    if now_used > used then
        raise exception 'more was used by now' using errcode = '23514', constraint = 'conflict';
    end if;
end
$$;
