-- What is asked of a subscription while it runs: another plan, its end.



-- subscription_changed(row, terms, moment, invoice, credit, actor, at,
-- correlation): another plan. A dearer one (or one as dear) holds at once, for an
-- invoice of the rest of the cycle; a cheaper one from the next cycle on; moment (NOW,
-- PERIOD_END) says otherwise. The terms that it has: what was planned is
-- forgotten. {state, events}
create function billing.subscription_changed(b billing.subscription, terms jsonb, moment text, invoice jsonb,
    credit numeric, actor text, at timestamptz, correlation text) returns jsonb
language plpgsql
set search_path = '' as $$
declare
    s      jsonb := b.state;
    dearer boolean := (terms ->> 'price')::numeric >= (s #>> '{terms,price}')::numeric;
    type   text := case when dearer then 'UPGRADED' else 'DOWNGRADED' end;
    told   jsonb;
    events jsonb := '[]';
begin
    if terms = s -> 'terms' then
        if s ? 'planned' or s ? 'cancelAt' then
            s := billing.subscription_append(b.id, b.version, 'PLAN_KEPT', '{}', actor, at, correlation);
        end if;
        return pg_catalog.jsonb_build_object('state', s, 'events', events);
    end if;
    if coalesce(moment, case when dearer then 'NOW' else 'PERIOD_END' end) = 'PERIOD_END' then
        s := billing.subscription_append(b.id, b.version, 'CHANGE_PLANNED',
            pg_catalog.jsonb_build_object('planned', terms), actor, at, correlation);
        return pg_catalog.jsonb_build_object('state', s, 'events', events);
    end if;
    if dearer then
        told := billing.subscription_issue(b.id, s || pg_catalog.jsonb_build_object('terms', terms),
            'change-' || (b.version + 1), invoice, at, (s ->> 'periodEnd')::timestamptz, at, correlation);
        events := case when told is null then '[]' else pg_catalog.jsonb_build_array(told) end;
    else
        events := billing.subscription_given_back(b, credit, 'a cheaper plan', at, correlation);
    end if;
    s := billing.subscription_append(b.id, b.version, type,
        pg_catalog.jsonb_build_object(
            'terms', terms,
            'invoice', told #>> '{payload,invoiceId}',
            'credit', case when not dearer then credit end)
        || case
            when told is not null and billing.subscription_watched(s)
            then pg_catalog.jsonb_build_object('invoiceId', told #>> '{payload,invoiceId}',
                'nextAt', vg.z(least(at + interval '1 minute', (s ->> 'periodEnd')::timestamptz)))
            else '{}'
        end,
        actor, at, correlation);
    return pg_catalog.jsonb_build_object('state', s, 'events', events
        || billing.subscription_event('subscription.' || pg_catalog.lower(type) || '.v1', b.id, s));
end
$$;

-- subscription_ended(row, now, credit, actor, at, correlation): at the end of
-- what is paid; or at once, and the rest of it is given back. One that is not
-- paid for ends at once in any case, and what was invoiced stays owed.
create function billing.subscription_ended(b billing.subscription, immediately boolean, credit numeric, actor text,
    at timestamptz, correlation text) returns jsonb
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
        events := billing.subscription_given_back(b, credit, 'ended within the cycle', at, correlation);
    end if;
    s := billing.subscription_append(b.id, b.version, 'CANCELLED',
        pg_catalog.jsonb_build_object('reason', 'requested', 'endedAt', vg.z(at),
            'credit', case when b.status = 'ACTIVE' then credit end),
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
    note jsonb;
begin
    select sum(t.base - t.credited_base) into rest
    from billing.invoice_tax as t
    where t.invoice_id = invoice_less.invoice;
    less := least(net, rest);
    if coalesce(less, rest, 0) <= 0 then
        return '{"net": 0, "events": []}';
    end if;
    -- its one line is the first
    note := billing.credit_note_issue(vg.uuid7(), invoice,
        case when less < rest then pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('position', 1, 'amount', less)) end,
        null, reason, at, correlation);
    insert into vg.job (plugin, kind, key, payload, correlation_id)
    select 'billing', 'payment.push', i, pg_catalog.jsonb_build_object('intentId', i), correlation
    from pg_catalog.jsonb_array_elements_text(note -> 'pushed') as i
    on conflict do nothing;
    return pg_catalog.jsonb_build_object('net', coalesce(less, rest), 'events', note -> 'events');
end
$$;

-- invoice_withdrawn(invoice, at, correlation): nobody owes it any more: who is
-- being asked for it is asked no more, and what was paid is given back. The
-- caller leaves jobs for the intents. The events to tell.
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
        perform billing.intent_wish(asked, 'CANCELLED', null, null, at);
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
