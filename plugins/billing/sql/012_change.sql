-- What is asked of a subscription while it runs: another plan, its end.

-- plan_anew(terms, other): whether the other plan's cycles are none of these: of
-- other months, by another clock, or taxed elsewhere
create function billing.plan_anew(terms jsonb, other jsonb) returns boolean
language sql immutable parallel safe
return (terms -> 'cycle', terms -> 'timeZone', terms -> 'country')
    <> (other -> 'cycle', other -> 'timeZone', other -> 'country');

-- plan_dearer(terms, other): whether the other costs as much in a year, or more
create function billing.plan_dearer(terms jsonb, other jsonb) returns boolean
language plpgsql immutable parallel safe
set search_path = '' as $$
declare
    cycles constant jsonb := '{"MONTHLY": 12, "QUARTERLY": 4, "ANNUAL": 1}';    -- of a year
begin
    return (other ->> 'price')::numeric * (cycles ->> (other ->> 'cycle'))::int
        >= (terms ->> 'price')::numeric * (cycles ->> (terms ->> 'cycle'))::int;
end
$$;

-- plan_change(terms, other): the word for it
create function billing.plan_change(terms jsonb, other jsonb) returns text
language sql immutable parallel safe
return case when billing.plan_dearer(terms, other) then 'UPGRADED' else 'DOWNGRADED' end;

-- subscription_onward(state): the state that its next cycle begins with: under
-- what was planned; other cycles are counted from there on
create function billing.subscription_onward(s jsonb) returns jsonb
language sql immutable parallel safe
return case
    when not s ? 'planned' then s
    when billing.plan_anew(s -> 'terms', s -> 'planned')
    then s || jsonb_build_object('terms', s -> 'planned', 'anchor', s -> 'periodEnd', 'period', -1)
    else s || jsonb_build_object('terms', s -> 'planned')
end;

-- what a change within a cycle comes to, as it was counted out before
create type billing.change_worth as (
    invoice  jsonb,                         -- what is to be paid; NULL: nothing
    credit   numeric,                       -- what is given back, without tax
    included numeric,                       -- kWh, by this cycle from then on; where it is over, in all
    used     numeric                        -- kWh, of which that was reckoned
);

-- subscription_changed(row, terms, moment, worth, actor, at, correlation):
-- another plan. A dearer one (or one as dear) holds at once, a cheaper one from
-- the next cycle on; moment (NOW, PERIOD_END) says otherwise. At once is for the
-- rest of the cycle; or, where it has other cycles, the first of them begins,
-- and the rest of the old one is given back. The terms that it has: what was
-- planned is forgotten. {state, events}
create function billing.subscription_changed(b billing.subscription, terms jsonb, moment text, worth billing.change_worth,
    actor text, at timestamptz, correlation text) returns jsonb
language plpgsql
set search_path = '' as $$
declare
    s      jsonb := b.state;
    type   text := billing.plan_change(s -> 'terms', terms);
    now_by jsonb := '{}';                   -- its cycle, if it is another
    told   jsonb;
    events jsonb := '[]';
begin
    if terms = s -> 'terms' then
        if s ? 'planned' or s ? 'cancelAt' then
            s := billing.subscription_append(b.id, b.version, 'PLAN_KEPT', '{}', actor, at, correlation);
        end if;
        return pg_catalog.jsonb_build_object('state', s, 'events', events);
    end if;
    if coalesce(moment, case type when 'UPGRADED' then 'NOW' else 'PERIOD_END' end) = 'PERIOD_END' then
        s := billing.subscription_append(b.id, b.version, 'CHANGE_PLANNED',
            pg_catalog.jsonb_build_object('planned', terms), actor, at, correlation);
        return pg_catalog.jsonb_build_object('state', s, 'events', events);
    end if;
    perform billing.allowance_locked(b, worth.used);
    if billing.plan_anew(s -> 'terms', terms) then
        now_by := pg_catalog.jsonb_build_object('anchor', vg.z(at), 'period', 0, 'periodStart', vg.z(at),
            'periodEnd', vg.z(billing.cycle_moment(at, terms ->> 'timeZone', terms ->> 'cycle', 1)));
        now_by := now_by || pg_catalog.jsonb_build_object('nextAt', now_by -> 'periodEnd', 'keptKwh', worth.included);
    else
        now_by := pg_catalog.jsonb_build_object('includedKwh', worth.included);
    end if;
    events := billing.subscription_given_back(b, worth.credit, 'another plan', at, correlation);
    s := s || now_by || pg_catalog.jsonb_build_object('terms', terms);
    told := billing.subscription_issue(b.id, s, 'change-' || (b.version + 1), worth.invoice, at,
        (s ->> 'periodEnd')::timestamptz, at, correlation);
    s := billing.subscription_append(b.id, b.version, type,
        now_by || pg_catalog.jsonb_build_object(
            'terms', terms,
            'invoice', told #>> '{payload,invoiceId}',
            'credit', worth.credit)
        || case
            when told is not null and billing.subscription_watched(s)
            then pg_catalog.jsonb_build_object('invoiceId', told #>> '{payload,invoiceId}',
                'nextAt', vg.z(least(at + interval '1 minute', (s ->> 'periodEnd')::timestamptz)))
            else '{}'
        end,
        actor, at, correlation);
    return pg_catalog.jsonb_build_object('state', s, 'events', events
        || case when told is null then '[]' else pg_catalog.jsonb_build_array(told) end
        || billing.subscription_event('subscription.' || pg_catalog.lower(type) || '.v1', b.id, s));
end
$$;

-- subscription_ended(row, now, worth, actor, at, correlation): at the end of
-- what is paid; or at once, and the rest of it is given back. One that is not
-- paid for ends at once in any case, and what was invoiced stays owed.
create function billing.subscription_ended(b billing.subscription, immediately boolean, worth billing.change_worth,
    actor text, at timestamptz, correlation text) returns jsonb
language plpgsql
set search_path = '' as $$
declare
    s      jsonb := b.state;
    events jsonb := '[]';
begin
    if b.status = 'ACTIVE' and not immediately then
        if not s ? 'cancelAt' then
            s := billing.subscription_append(b.id, b.version, 'CANCEL_PLANNED',
                pg_catalog.jsonb_build_object('cancelAt', s ->> 'periodEnd'), actor, at, correlation);
        end if;
        return pg_catalog.jsonb_build_object('state', s, 'events', events);
    end if;
    if b.status = 'ACTIVE' then
        perform billing.allowance_locked(b, worth.used);
        events := billing.subscription_given_back(b, worth.credit, 'ended within the cycle', at, correlation);
    end if;
    s := billing.subscription_append(b.id, b.version, 'CANCELLED',
        pg_catalog.jsonb_build_object('reason', 'requested', 'endedAt', vg.z(at),
            'credit', case when b.status = 'ACTIVE' then worth.credit end,
            'keptKwh', case when b.status = 'ACTIVE' then worth.included end),
        actor, at, correlation);
    return pg_catalog.jsonb_build_object('state', s, 'events', events
        || billing.subscription_event('subscription.cancelled.v1', b.id, s));
end
$$;

-- subscription_at(row, state): the row as that state has it
create function billing.subscription_at(b billing.subscription, s jsonb) returns billing.subscription
language plpgsql immutable
set search_path = '' as $$
begin
    b.state := s;
    b.version := (s ->> 'version')::int;
    return b;
end
$$;

-- invoice_less(invoice, net, reason, at, correlation): so much of what was
-- invoiced (net NULL: all that is left of it) is owed no more, by a credit note,
-- which gives back what was paid for it. Answers {net, events}: how much of net
-- this invoice had left.
create function billing.invoice_less(invoice uuid, net numeric, reason text, at timestamptz, correlation text) returns jsonb
language plpgsql
set search_path = '' as $$
declare
    rest numeric;
    less numeric;
    told jsonb;
begin
    select sum(t.base - t.credited_base) into rest
    from billing.invoice_tax as t
    where t.invoice_id = invoice_less.invoice;
    less := least(net, rest);
    if coalesce(less, rest, 0) <= 0 then
        return '{"net": 0, "events": []}';
    end if;
    -- its one line is the first
    told := billing.credit_note_issue(vg.uuid7(), invoice,
        case when less < rest then pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('position', 1, 'amount', less)) end,
        null, reason, at, correlation);
    return pg_catalog.jsonb_build_object('net', coalesce(less, rest), 'events', told);
end
$$;

-- invoice_withdrawn(invoice, at, correlation): nobody owes it any more: who is
-- being asked for it is asked no more, and what was paid is given back. The
-- events to tell.
create function billing.invoice_withdrawn(invoice uuid, at timestamptz, correlation text) returns jsonb
language plpgsql
set search_path = '' as $$
declare
    asked uuid;
begin
    for asked in
        select t.id
        from billing.intent as t
        where t.subject = invoice_withdrawn.invoice
            and t.purpose = 'INVOICE'
            and t.status in ('PENDING', 'AUTHORISED')
        order by t.id
    loop
        perform billing.intent_wished(asked, 'CANCELLED', null, null, at, correlation);
    end loop;
    return billing.invoice_less(invoice, null, 'the subscription did not come about', at, correlation) -> 'events';
end
$$;

-- subscription_given_back(row, net, reason, at, correlation): of what was
-- invoiced for this cycle, the latest first. The events to tell.
create function billing.subscription_given_back(b billing.subscription, net numeric, reason text, at timestamptz,
    correlation text) returns jsonb
language plpgsql
set search_path = '' as $$
declare
    due    numeric := coalesce(net, 0);
    events jsonb := '[]';
    of     uuid;
    less   jsonb;
begin
    for of in
        select i.id
        from billing.invoice as i
        where i.subject_id = b.id
            and i.subject_kind = 'SUBSCRIPTION'
            and i.supplied_to = (b.state ->> 'periodEnd')::timestamptz
        order by i.supplied_from desc, i.id desc
    loop
        exit when due <= 0;
        less := billing.invoice_less(of, due, reason, at, correlation);
        due := due - (less ->> 'net')::numeric;
        events := events || (less -> 'events');
    end loop;
    return events;
end
$$;

-- subscriptions_erased(customer, at, correlation): those of who is erased end,
-- and nothing is given back, since nobody is there to have it. What they were
-- stays with the invoices that follow from it. events: what that tells; busy:
-- how many are being begun still.
create function billing.subscriptions_erased(customer text, at timestamptz, correlation text, out ended bigint,
    out busy bigint, out kept bigint, out events jsonb) returns record
language plpgsql
set search_path = '' as $$
declare
    b billing.subscription;
    s jsonb;
begin
    ended := 0;
    events := '[]';
    for b in
        select u.*
        from billing.subscription as u
        where u.customer_id = customer
            and u.status in ('SCHEDULED', 'ACTIVE', 'PAST_DUE')
        order by u.id
        for update
    loop
        s := billing.subscription_append(b.id, b.version, 'CANCELLED',
            pg_catalog.jsonb_build_object('reason', 'erased', 'endedAt', vg.z(at)), 'system', at, correlation);
        events := events || billing.subscription_event('subscription.cancelled.v1', b.id, s);
        ended := ended + 1;
    end loop;
    select count(*), count(*) filter (where u.status = 'PENDING') into kept, busy
    from billing.subscription as u
    where u.customer_id = customer;
end
$$;
