-- What the clock does to subscriptions: it begins what was to begin later,
-- renews or ends what is paid up, and asks again for what is not paid
-- (011_dunning).

-- Whoever renews holds this row: one batch at a time in the whole house.
create table billing.renewal (
    single boolean not null default true,
    constraint renewal_pkey primary key (single),
    constraint renewal_once check (single)
);
insert into billing.renewal (single) values (true);


-- subscription_watched(state): whether it waits for its invoices to be paid.
-- Who pays on account is sent them, and they are due later (016_overdue).
create function billing.subscription_watched(s jsonb) returns boolean
language plpgsql
set search_path = '' as $$
begin
    return (billing.payer_known(s ->> 'customerId', s ->> 'companyId')).terms = 'PREPAID';
end
$$;

-- subscription_due(id, state, part, invoice, from, to): what is to be issued of it
create function billing.subscription_due(id uuid, s jsonb, part text, invoice jsonb, supplied_from timestamptz,
    supplied_to timestamptz) returns billing.issue
language sql stable
return row('SUBSCRIPTION', id, part, s ->> 'issuer', s ->> 'customerId', s ->> 'companyId', invoice,
    jsonb_build_object(
        'country', s #> '{terms,country}',
        'timeZone', s #> '{terms,timeZone}',
        'from', vg.z(supplied_from),
        'to', vg.z(supplied_to)),
    1)::billing.issue;

-- subscription_issue(id, state, part, invoice, from, to, at, correlation): the
-- event of its invoice, or NULL where there is nothing to pay
create function billing.subscription_issue(id uuid, s jsonb, part text, invoice jsonb, supplied_from timestamptz,
    supplied_to timestamptz, at timestamptz, correlation text) returns jsonb
language plpgsql
set search_path = '' as $$
begin
    return (billing.invoices_issue(array[billing.subscription_due(id, s, part, invoice, supplied_from, supplied_to)],
        at, correlation))[1];
end
$$;

-- a cycle that is to begin: the n-th, for that invoice
create type billing.cycle as (
    id      uuid,
    state   jsonb,
    n       int,
    invoice jsonb
);

-- subscriptions_period(cycles, type, at, correlation): they begin, and their
-- invoices are issued: the states, and the events that tell of the invoices
-- (NULL: there is none), in their order. Each is looked at again a minute
-- later, should nobody tell that the invoice is paid.
create function billing.subscriptions_period(cycles billing.cycle[], type text, at timestamptz, correlation text,
    out states jsonb[], out events jsonb[])
language plpgsql
set search_path = '' as $$
declare
    begins timestamptz[];
    ends   timestamptz[];
begin
    select array_agg(billing.cycle_moment(c.anchor, c.zone, c.cycle, c.n) order by c.place),
        array_agg(billing.cycle_moment(c.anchor, c.zone, c.cycle, c.n + 1) order by c.place)
    into begins, ends
    from (
        select (w.state ->> 'anchor')::timestamptz as anchor,
            w.state #>> '{terms,timeZone}' as zone,
            w.state #>> '{terms,cycle}' as cycle,
            w.n,
            w.place
        from unnest(cycles) with ordinality as w (id, state, n, invoice, place)) as c;
    if pg_catalog.array_position(ends, null) is not null then
        raise exception 'a cycle without an end' using errcode = '22023';
    end if;
    events := billing.invoices_issue(array(
            select billing.subscription_due(c.id, c.state, vg.z(begins[c.place]), c.invoice, begins[c.place], ends[c.place])
            from unnest(cycles) with ordinality as c (id, state, n, invoice, place)
            order by c.place),
        at, correlation);
    states := billing.subscriptions_append(array(
            select row(c.id, (c.state ->> 'version')::int, subscriptions_period.type,
                pg_catalog.jsonb_build_object(
                    'period', c.n,
                    'anchor', case when subscriptions_period.type = 'RENEWED' and c.n = 0 then c.state -> 'anchor' end,
                    'periodStart', vg.z(begins[c.place]),
                    'periodEnd', vg.z(ends[c.place]),
                    'terms', c.state -> 'terms',
                    'invoice', c.invoice_id,
                    'invoiceId', case when c.asks then c.invoice_id end,
                    'nextAt', case when c.asks and subscriptions_period.type = 'RENEWED'
                        then vg.z(subscriptions_period.at + interval '1 minute') end))::billing.happening
            from (
                select w.*,
                    events[w.place] #>> '{payload,invoiceId}' as invoice_id,
                    events[w.place] is not null and billing.subscription_watched(w.state) as asks
                from unnest(cycles) with ordinality as w (id, state, n, invoice, place)) as c
            order by c.place),
        'system', at, correlation);
end
$$;

-- subscription_period(id, state, type, n, invoice, at, correlation): one of them: {state, events}
create function billing.subscription_period(id uuid, s jsonb, type text, n int, invoice jsonb, at timestamptz,
    correlation text) returns jsonb
language plpgsql
set search_path = '' as $$
declare
    begun record;
begin
    select p.states[1] as state, p.events[1] as event into begun
    from billing.subscriptions_period(array[row(id, s, n, invoice)::billing.cycle], type, at, correlation) as p;
    return pg_catalog.jsonb_build_object('state', begun.state,
        'events', case when begun.event is null then '[]' else pg_catalog.jsonb_build_array(begun.event) end);
end
$$;

-- subscription_price(state, day): the invoices of a plan's revision are alike
-- on one day, by the plan's clock
create function billing.subscription_price(s jsonb, at timestamptz) returns text
language sql stable parallel safe
return (s #>> '{terms,planId}') || '/' || (s #>> '{terms,revision}') || '/'
    || (at at time zone (s #>> '{terms,timeZone}'))::date;

-- zone_known(zone): whether this server's zone data knows it still
create function billing.zone_known(zone text) returns boolean
language plpgsql stable
set search_path = '' as $$
begin
    perform pg_catalog.now() at time zone zone;
    return true;
exception
    when invalid_parameter_value then
        return false;
end
$$;

-- subscription_ground(terms, day): {costs, minorUnits, taxRate}; NULL where the terms are none
create function billing.subscription_ground(terms jsonb, day timestamptz) returns json
language plpgsql stable
set search_path = '' as $$
begin
    return pg_catalog.json_build_object(
        'costs', billing.subscription_costs(terms, (terms ->> 'price')::numeric),
        'minorUnits', billing.minor_units(terms ->> 'currency'),
        'taxRate', billing.tax_rate_at(terms ->> 'country', 'SUBSCRIPTION', day, terms ->> 'timeZone'));
exception
    when data_exception then
        return null;
end
$$;

-- subscription_prices(states): {key: {costs, minorUnits, taxRate}}, one for each
-- plan's revision and day among their next cycles. What has no moment in its
-- zone is left out, and what is no price is null, so that they stand in nobody's
-- way but their own.
create function billing.subscription_prices(states jsonb[]) returns json
language plpgsql stable
set search_path = '' as $$
begin
    return (
        with due as (
            select billing.subscription_onward(u.state) as state
            from unnest(states) as u (state)
        ), zone as materialized (
            select distinct d.state #>> '{terms,timeZone}' as name
            from due as d
        ), known as materialized (
            select z.name
            from zone as z
            where billing.zone_known(z.name)
        ), price as (
            select distinct on (1) billing.subscription_price(d.state, (d.state ->> 'periodEnd')::timestamptz) as key,
                d.state -> 'terms' as terms,
                (d.state ->> 'periodEnd')::timestamptz as day
            from known as z
            join due as d on d.state #>> '{terms,timeZone}' = z.name
            order by 1
        )
        select coalesce(pg_catalog.json_object_agg(p.key, billing.subscription_ground(p.terms, p.day))
            filter (where p.key is not null), '{}')
        from price as p);
end
$$;

-- subscription_turn(row, …): whatever is due of one that does not go on now
create function billing.subscription_turn(b billing.subscription, dunning jsonb, at timestamptz, correlation text)
returns jsonb
language plpgsql
set search_path = '' as $$
declare
    s jsonb;
begin
    if b.status = 'SCHEDULED' then
        perform billing.subscription_append(b.id, b.version, 'STARTED', '{}', 'system', at, correlation);
        return pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('saga', 'billing.subscribe', 'id', b.id,
            'data', pg_catalog.jsonb_build_object('subscriptionId', b.id)));
    elsif b.invoice_id is not null then
        if b.status = 'PAST_DUE' and not coalesce((b.state ->> 'retrying')::boolean, false) then
            return billing.subscription_retry(b, at, correlation);
        end if;
        return billing.subscription_judge(b, dunning, at, correlation);
    elsif (b.state ->> 'periodEnd')::timestamptz <= at and b.state ? 'cancelAt' then
        s := billing.subscription_append(b.id, b.version, 'CANCELLED',
            pg_catalog.jsonb_build_object('reason', 'requested', 'endedAt', b.state ->> 'periodEnd'), 'system', at, correlation);
        return pg_catalog.jsonb_build_array(billing.subscription_event('subscription.cancelled.v1', b.id, s));
    end if;
    update billing.subscription as u
    set next_at = (b.state ->> 'periodEnd')::timestamptz
    where u.id = b.id;
    return '[]';
end
$$;

-- subscriptions_turn(rows, invoices, dunning, at, correlation): whatever is due
-- of these, whose rows are locked: how many had their turn, and the events to
-- tell. What is paid up goes on, all of them at once. The others are those
-- whose invoice is not among those that were counted out: another batch's.
create function billing.subscriptions_turn(due billing.subscription[], invoices jsonb, dunning jsonb, at timestamptz,
    correlation text, out done int, out events jsonb[])
language plpgsql
set search_path = '' as $$
declare
    b      billing.subscription;
    next   jsonb;
    price  text;
    cycles billing.cycle[] := '{}';
    terms  jsonb[] := '{}';                -- that they had
    begun  record;
begin
    done := 0;
    events := '{}';
    foreach b in array due loop
        if b.status = 'ACTIVE' and b.invoice_id is null and (b.state ->> 'periodEnd')::timestamptz <= at
            and not b.state ? 'cancelAt'
        then
            next := billing.subscription_onward(b.state);
            price := billing.subscription_price(next, (next ->> 'periodEnd')::timestamptz);
            continue when not invoices ? price;
            if invoices -> price = 'false' then
                raise exception 'its price is none' using errcode = '22023';
            end if;
            cycles := pg_catalog.array_append(cycles,
                row(b.id, next, (next ->> 'period')::int + 1, nullif(invoices -> price, 'null'))::billing.cycle);
            terms := pg_catalog.array_append(terms, b.state -> 'terms');
        else
            events := events || array(
                select e
                from pg_catalog.jsonb_array_elements(billing.subscription_turn(b, dunning, at, correlation)) as e);
        end if;
        done := done + 1;
    end loop;
    if cycles <> '{}' then
        select p.states, p.events into begun
        from billing.subscriptions_period(cycles, 'RENEWED', at, correlation) as p;
        events := events || pg_catalog.array_remove(begun.events, null) || array(
            select billing.subscription_event(
                'subscription.' || pg_catalog.lower(billing.plan_change(terms[c.place], c.state -> 'terms')) || '.v1', c.id,
                begun.states[c.place])
            from unnest(cycles) with ordinality as c (id, state, n, invoice, place)
            where c.state ? 'planned');
    end if;
end
$$;

-- subscriptions_tried(rows, …): the same; one that cannot be had its turn, for
-- whatever is wrong with it, is stuck, and is a job's from then on: it is tried
-- alone, and the others have theirs. What is not a row's fault (a lock, a
-- deadlock, a disk that is full, what ran too long) is not caught.
create function billing.subscriptions_tried(due billing.subscription[], invoices jsonb, dunning jsonb, at timestamptz,
    correlation text, out done int, out events jsonb[])
language plpgsql
set search_path = '' as $$
declare
    half  int := pg_catalog.cardinality(due) / 2;
    first record;
    rest  record;
    named text;
    code  text;
begin
    begin
        select t.done, t.events into done, events
        from billing.subscriptions_turn(due, invoices, dunning, at, correlation) as t;
        return;
    exception
        when data_exception or integrity_constraint_violation or plpgsql_error or case_not_found or program_limit_exceeded then
            get stacked diagnostics named = constraint_name, code = returned_sqlstate;
    end;
    if half > 0 then
        select t.done, t.events into first
        from billing.subscriptions_tried(due[1:half], invoices, dunning, at, correlation) as t;
        select t.done, t.events into rest
        from billing.subscriptions_tried(due[half + 1:], invoices, dunning, at, correlation) as t;
        done := first.done + rest.done;
        events := first.events || rest.events;
        return;
    end if;
    update billing.subscription as u
    set next_at = null,
        stuck = pg_catalog.jsonb_build_object('since', vg.z(at), 'failure', coalesce(nullif(named, ''), code))
    where u.id = due[1].id;
    insert into vg.job (plugin, kind, key, payload, correlation_id)
    values ('billing', 'subscription.renew', due[1].id::text,
        pg_catalog.jsonb_build_object('subscriptionId', due[1].id), correlation)
    on conflict do nothing;
    done := 1;
    events := '{}';
end
$$;

-- subscription_run(invoices, dunning, most, at, correlation): up to so many
-- that are due: {more, events}. Those of a payer stand together: who settles
-- their invoices takes payers in the same order. A clock that is ahead of the
-- database's bills nothing before its time.
create function billing.subscription_run(invoices jsonb, dunning jsonb, most bigint, at timestamptz, correlation text)
returns jsonb
language plpgsql
set search_path = '' as $$
declare
    moment timestamptz := least(at, pg_catalog.now());
    due    billing.subscription[];
    tried  record;
begin
    perform
    from billing.renewal as r
    for update skip locked;
    if not found then
        return '{"more": false, "events": []}';
    end if;
    select array_agg(u order by coalesce(u.company_id, u.customer_id), u.id) into due
    from (
        select d.*
        from billing.subscription as d
        where d.next_at <= moment
        order by d.next_at
        limit most
        for update skip locked) as u;
    if due is null then
        return '{"more": false, "events": []}';
    end if;
    select t.done, t.events into tried
    from billing.subscriptions_tried(due, invoices, dunning, moment, correlation) as t;
    return pg_catalog.jsonb_build_object('more', pg_catalog.cardinality(due) = most and tried.done > 0,
        'events', pg_catalog.to_jsonb(tried.events));
end
$$;

-- subscription_alone(id, invoices, dunning, at, correlation): what is due of one
-- that is stuck: the events to tell. It raises what is wrong with it.
create function billing.subscription_alone(id uuid, invoices jsonb, dunning jsonb, at timestamptz, correlation text)
returns jsonb
language plpgsql
set search_path = '' as $$
declare
    moment timestamptz := least(at, pg_catalog.now());
    b      billing.subscription;
    tried  record;
begin
    select u.* into b
    from billing.subscription as u
    where u.id = subscription_alone.id
    for update;
    if b.stuck is null then
        return '[]';                        -- somebody changed it: the clock looks at it again
    end if;
    select t.done, t.events into tried
    from billing.subscriptions_turn(array[b], invoices, dunning, moment, correlation) as t;
    if tried.done = 0 then
        raise exception 'it has no price' using errcode = '22023';
    end if;
    update billing.subscription as u
    set stuck = null
    where u.id = b.id and u.stuck is not null;
    return pg_catalog.to_jsonb(tried.events);
end
$$;
