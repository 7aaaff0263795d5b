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

-- invoice_withdrawn(invoice, at, correlation): nobody owes it any more: intents
-- for it are cancelled, which gives back what they have captured, and the rest
-- is credited. The caller leaves jobs for the intents. The events to tell.
create function billing.invoice_withdrawn(invoice uuid, at timestamptz, correlation text) returns jsonb
language plpgsql
set search_path = '' as $$
declare
    i record;
begin
    for i in
        select t.id
        from billing.intent as t
        where t.subject = invoice_withdrawn.invoice
            and t.purpose = 'INVOICE'
        order by t.id
    loop
        perform billing.intent_wish(i.id, 'CANCELLED', null, null, at);
    end loop;
    return '[]';
end
$$;

create function billing.subscription_given_back(b billing.subscription, credit numeric, part text, at timestamptz,
    correlation text) returns jsonb
language plpgsql
set search_path = '' as $$
begin
    return '[]';
end
$$;
