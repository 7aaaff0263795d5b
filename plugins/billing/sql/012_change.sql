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
        events := billing.subscription_given_back(b, credit, 'change-' || (b.version + 1), at, correlation);
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
        events := billing.subscription_given_back(b, credit, 'end-' || (b.version + 1), at, correlation);
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

-- invoice_less(invoice, net, part, at, correlation): so much of what was
-- invoiced, and its share of tax, is owed no more (net NULL: all that is left of
-- it); what was paid for it becomes the payer's credit. Answers {net, events}:
-- how much of net this invoice had left.
create function billing.invoice_less(invoice uuid, net numeric, part text, at timestamptz, correlation text) returns jsonb
language plpgsql
set search_path = '' as $$
declare
    i      billing.invoice;
    gone   numeric;                         -- net, by earlier ones
    less   numeric;
    taxed  numeric;
    beyond numeric;
begin
    perform
    from billing.payer as p
    where p.id = (select v.payer from billing.invoice as v where v.id = invoice_less.invoice)
    for update;
    select v.* into i
    from billing.invoice as v
    where v.id = invoice_less.invoice
    for update;
    select coalesce(sum(t.amount), 0) into gone
    from billing.transfer as t
    where t.reference = i.id and t.kind = 'CREDIT_NOTE' and t.part like 'net/%';
    less := least(coalesce(invoice_less.net, i.net), i.net - gone);
    taxed := case when less = i.net - gone then i.total - i.credited - less
        else least(round(less * i.tax / i.net, i.minor_units), i.total - i.credited - less) end;
    if less <= 0 then
        return '{"net": 0, "events": []}';
    end if;
    perform billing.booked('CREDIT_NOTE', i.id, 'net/' || invoice_less.part, i.payer, 'REVENUE', i.issuer, -less, i.currency, at, correlation);
    perform billing.booked('CREDIT_NOTE', i.id, 'tax/' || invoice_less.part, i.payer, 'TAX', i.issuer, -taxed, i.currency, at, correlation);
    beyond := greatest(0, i.paid + i.credited + less + taxed - i.total);
    perform billing.move('REFUND', i.id, 'credit/' || invoice_less.part, 'RECEIVABLE', i.payer, 'CREDIT', i.payer, beyond, i.currency,
        at, correlation);
    update billing.invoice as v
    set credited = v.credited + less + taxed,
        paid = v.paid - beyond,
        version = v.version + 1
    where v.id = i.id
    returning v.* into i;
    return pg_catalog.jsonb_build_object('net', less,
        'events', pg_catalog.jsonb_build_array(billing.invoice_told('invoice.updated.v1', i)));
end
$$;

-- invoice_withdrawn(invoice, at, correlation): nobody owes it any more: who is
-- being asked for it is asked no more, and what was paid becomes credit. The
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
    return billing.invoice_less(invoice, null, 'withdrawn', at, correlation) -> 'events';
end
$$;

-- subscription_given_back(row, net, part, at, correlation): of what was
-- invoiced for this cycle, the latest first. The events to tell.
create function billing.subscription_given_back(b billing.subscription, net numeric, part text, at timestamptz,
    correlation text) returns jsonb
language plpgsql
set search_path = '' as $$
declare
    left_  numeric := coalesce(net, 0);
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
        exit when left_ <= 0;
        less := billing.invoice_less(of, left_, part, at, correlation);
        left_ := left_ - (less ->> 'net')::numeric;
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
