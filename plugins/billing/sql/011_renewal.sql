-- What the clock does to subscriptions: it begins what was to begin later,
-- renews or ends what is paid up, and asks again for what is not paid.

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

-- subscription_issue(id, state, part, invoice, from, to, at, correlation): the
-- event of its invoice, or NULL where there is nothing to pay
create function billing.subscription_issue(id uuid, s jsonb, part text, invoice jsonb, supplied_from timestamptz,
    supplied_to timestamptz, at timestamptz, correlation text) returns jsonb
language plpgsql
set search_path = '' as $$
begin
    if invoice is null then
        return null;
    end if;
    return billing.invoice_issue('SUBSCRIPTION', subscription_issue.id, part, s ->> 'issuer', s ->> 'customerId',
        s ->> 'companyId', invoice,
        pg_catalog.jsonb_build_object(
            'country', s #> '{terms,country}',
            'timeZone', s #> '{terms,timeZone}',
            'from', vg.z(supplied_from),
            'to', vg.z(supplied_to)),
        at, correlation);
end
$$;

-- subscription_period(id, state, seen, type, n, invoice, at, correlation): its
-- n-th cycle begins, and its invoice is issued: {state, events}. It is looked
-- at again a minute later, should nobody tell that the invoice is paid.
create function billing.subscription_period(id uuid, s jsonb, type text, n int, invoice jsonb, at timestamptz,
    correlation text) returns jsonb
language plpgsql
set search_path = '' as $$
declare
    terms  jsonb := s -> 'terms';
    begins timestamptz := billing.cycle_moment((s ->> 'anchor')::timestamptz, terms ->> 'timeZone', terms ->> 'cycle', n);
    ends   timestamptz := billing.cycle_moment((s ->> 'anchor')::timestamptz, terms ->> 'timeZone', terms ->> 'cycle', n + 1);
    event  jsonb := billing.subscription_issue(id, s, vg.z(begins), invoice, begins, ends, at, correlation);
    asks   boolean := event is not null and billing.subscription_watched(s);
begin
    s := billing.subscription_append(id, (s ->> 'version')::int, type,
        pg_catalog.jsonb_build_object(
            'period', n,
            'anchor', case when type = 'RENEWED' and n = 0 then s -> 'anchor' end,
            'periodStart', vg.z(begins),
            'periodEnd', vg.z(ends),
            'terms', terms,
            'invoice', event #>> '{payload,invoiceId}',
            'invoiceId', case when asks then event #>> '{payload,invoiceId}' end,
            'nextAt', case when asks and type = 'RENEWED' then vg.z(at + interval '1 minute') end),
        'system', at, correlation);
    return pg_catalog.jsonb_build_object('state', s,
        'events', case when event is null then '[]' else pg_catalog.jsonb_build_array(event) end);
end
$$;

-- subscription_asked(invoice): whether somebody is being asked to pay it
create function billing.subscription_asked(invoice uuid) returns boolean
language sql stable parallel safe
return exists (
    select
    from billing.intent i
    where i.subject = invoice
        and i.purpose = 'INVOICE'
        and i.wanted = 'CAPTURED'
        and i.status in ('PENDING', 'AUTHORISED'));

-- subscription_unpaid(row, dunning, at, correlation): its invoice was not paid.
-- dunning: {steps: [seconds since then, …], cancels}. The events to tell.
create function billing.subscription_unpaid(b billing.subscription, dunning jsonb, at timestamptz, correlation text)
returns jsonb
language plpgsql
set search_path = '' as $$
declare
    since timestamptz := coalesce((b.state ->> 'unpaidSince')::timestamptz, at);
    step  int := coalesce((b.state ->> 'dunningStep')::int, 0);
    s     jsonb := b.state;
    why   text;
begin
    if b.status = 'PAST_DUE' and not coalesce((s ->> 'retrying')::boolean, false) then
        return '[]';
    end if;
    select coalesce(i.failure, 'declined') into why
    from billing.intent as i
    where i.subject = b.invoice_id and i.purpose = 'INVOICE'
    order by i.id desc
    limit 1;
    s := billing.subscription_append(b.id, b.version, 'PAYMENT_FAILED',
        pg_catalog.jsonb_build_object(
            'failure', coalesce(why, case when billing.subscription_watched(b.state) then 'payment_required' else 'overdue' end),
            'invoiceId', b.invoice_id,
            'unpaidSince', vg.z(since),
            'nextAt', vg.z(since + (dunning #>> array['steps', step::text])::int * interval '1 second')),
        'system', at, correlation);
    if step < pg_catalog.jsonb_array_length(dunning -> 'steps') or not (dunning ->> 'cancels')::boolean then
        return '[]';
    end if;
    s := billing.subscription_append(b.id, (s ->> 'version')::int, 'CANCELLED',
        pg_catalog.jsonb_build_object('reason', 'unpaid', 'endedAt', vg.z(at)), 'system', at, correlation);
    return pg_catalog.jsonb_build_array(billing.subscription_event('subscription.cancelled.v1', b.id, s));
end
$$;

-- subscription_judge(row, dunning, at, correlation): what became of the invoice
-- that it waits for. The row is locked. The events to tell.
create function billing.subscription_judge(b billing.subscription, dunning jsonb, at timestamptz, correlation text)
returns jsonb
language plpgsql
set search_path = '' as $$
declare
    i billing.invoice;
begin
    select v.* into i
    from billing.invoice as v
    where v.id = b.invoice_id;
    if b.status = 'PENDING' then
        return pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('saga', 'billing.subscribe', 'id', b.id));
    end if;
    if i.total - i.paid - i.credited <= 0 then
        perform billing.subscription_append(b.id, b.version, 'PAID',
            pg_catalog.jsonb_build_object('invoice', i.id), 'system', at, correlation);
        return '[]';
    end if;
    if i.due_at is null or billing.subscription_asked(b.invoice_id) then
        update billing.subscription as u
        set next_at = at + interval '1 minute'
        where u.id = b.id;
        return '[]';
    end if;
    return billing.subscription_unpaid(b, dunning, at, correlation);
end
$$;

-- invoice_collect(invoice, method, at, correlation): what is open of an invoice
-- is asked for once more: of the payer's credit, and of its method; of nothing
-- where it is on account. Nothing to ask is no error: it stays open. The events
-- to tell.
create function billing.invoice_collect(invoice uuid, method uuid, at timestamptz, correlation text) returns jsonb
language plpgsql
set search_path = '' as $$
declare
    i      billing.invoice;
    paid   numeric;
    intent uuid := vg.uuid7();
begin
    perform
    from billing.payer as p
    where p.id = (select v.payer from billing.invoice as v where v.id = invoice_collect.invoice)
        and p.terms = 'PREPAID'
    for update;
    if not found then
        return '[]';
    end if;
    select v.* into i
    from billing.invoice as v
    where v.id = invoice_collect.invoice
    for update;
    paid := billing.credit_use(i.payer, i.id, i.total - i.paid - i.credited, i.currency, at, correlation);
    if i.total - i.paid - i.credited - paid > 0 and exists (
        select
        from billing.method as m
        where m.payer = i.payer
            and m.removed_at is null
            and m.id = coalesce(invoice_collect.method, (select p.method_id from billing.payer as p where p.id = i.payer)))
    then
        perform billing.intent_open(intent, 'INVOICE', i.id, i.payer, i.customer_id, i.company_id, i.issuer,
            invoice_collect.method, i.total - i.paid - i.credited - paid, i.currency, 'CAPTURED', at);
        insert into vg.job (plugin, kind, key, payload, correlation_id)
        values ('billing', 'payment.push', intent::text, pg_catalog.jsonb_build_object('intentId', intent), correlation)
        on conflict do nothing;
    end if;
    return coalesce(billing.invoice_paid(i.id, paid, at), '[]');
end
$$;

-- subscription_retry(row, at, correlation): the next step of dunning: it is
-- asked for once more
create function billing.subscription_retry(b billing.subscription, at timestamptz, correlation text) returns jsonb
language plpgsql
set search_path = '' as $$
begin
    perform billing.subscription_append(b.id, b.version, 'RETRIED',
        pg_catalog.jsonb_build_object(
            'dunningStep', coalesce((b.state ->> 'dunningStep')::int, 0) + 1,
            'nextAt', vg.z(at + interval '1 minute')),
        'system', at, correlation);
    return billing.invoice_collect(b.invoice_id, (b.state ->> 'methodId')::uuid, at, correlation);
end
$$;

-- subscription_renew(row, invoices, at, correlation): what is paid up goes on
-- under what was planned for then, or ends. NULL: its invoice is not among
-- those that were counted out, so it is another batch's.
create function billing.subscription_renew(b billing.subscription, invoices jsonb, at timestamptz, correlation text)
returns jsonb
language plpgsql
set search_path = '' as $$
declare
    s    jsonb := b.state;
    key  text;
    made jsonb;
begin
    if (s ->> 'periodEnd')::timestamptz > at then
        update billing.subscription as u
        set next_at = (s ->> 'periodEnd')::timestamptz
        where u.id = b.id;
        return '[]';
    end if;
    if s ? 'cancelAt' then
        s := billing.subscription_append(b.id, b.version, 'CANCELLED',
            pg_catalog.jsonb_build_object('reason', 'requested', 'endedAt', s ->> 'periodEnd'), 'system', at, correlation);
        return pg_catalog.jsonb_build_array(billing.subscription_event('subscription.cancelled.v1', b.id, s));
    end if;
    s := billing.subscription_onward(s);
    key := billing.subscription_price(s, (s ->> 'periodEnd')::timestamptz);
    if not invoices ? key then
        return null;
    end if;
    made := billing.subscription_period(b.id, s, 'RENEWED', (s ->> 'period')::int + 1,
        nullif(invoices -> key, 'null'), at, correlation);
    if b.state ? 'planned' then
        return (made -> 'events') || billing.subscription_event(
            'subscription.' || pg_catalog.lower(billing.plan_change(b.state -> 'terms', s -> 'terms')) || '.v1', b.id, made -> 'state');
    end if;
    return made -> 'events';
end
$$;

-- subscription_price(state, day): the invoices of a plan's revision are alike
-- on one day, by the plan's clock
create function billing.subscription_price(s jsonb, at timestamptz) returns text
language sql stable parallel safe
return (s #>> '{terms,planId}') || '/' || (s #>> '{terms,revision}') || '/'
    || (at at time zone (s #>> '{terms,timeZone}'))::date;

-- subscription_turn(row, …): whatever is due of one
create function billing.subscription_turn(b billing.subscription, invoices jsonb, dunning jsonb, at timestamptz,
    correlation text) returns jsonb
language plpgsql
set search_path = '' as $$
begin
    if b.status = 'SCHEDULED' then
        perform billing.subscription_append(b.id, b.version, 'STARTED', '{}', 'system', at, correlation);
        return pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('saga', 'billing.subscribe', 'id', b.id,
            'data', pg_catalog.jsonb_build_object('subscriptionId', b.id)));
    elsif b.invoice_id is null then
        return billing.subscription_renew(b, invoices, at, correlation);
    elsif b.status = 'PAST_DUE' and not coalesce((b.state ->> 'retrying')::boolean, false) then
        return billing.subscription_retry(b, at, correlation);
    end if;
    return billing.subscription_judge(b, dunning, at, correlation);
end
$$;

-- subscription_run(invoices, dunning, most, at, correlation): up to so many
-- that are due: {done, more, events}. No exception is caught on the way, since
-- an invoice is issued by the transaction itself (002).
create function billing.subscription_run(invoices jsonb, dunning jsonb, most bigint, at timestamptz, correlation text)
returns jsonb
language plpgsql
set search_path = '' as $$
declare
    b      billing.subscription;
    told   jsonb;
    events jsonb[] := '{}';
    done   int := 0;
    seen   int := 0;
begin
    perform
    from billing.renewal as r
    for update skip locked;
    if not found then
        return pg_catalog.jsonb_build_object('done', 0, 'more', false, 'events', '[]'::jsonb);
    end if;
    for b in
        select u.*
        from billing.subscription as u
        where u.next_at <= at
        order by u.next_at
        limit most
        for update skip locked
    loop
        seen := seen + 1;
        told := billing.subscription_turn(b, invoices, dunning, at, correlation);
        if told is not null then
            done := done + 1;
            events := events || array(select e from pg_catalog.jsonb_array_elements(told) as e);
        end if;
    end loop;
    return pg_catalog.jsonb_build_object('done', done, 'more', seen = most and done > 0,
        'events', pg_catalog.to_jsonb(events));
end
$$;
