-- What becomes of a subscription's invoice that is not paid: it is waited for,
-- asked for again by the steps of the conf, and in the end given up.

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

-- subscription_lapsed(state, at): where the next cycle of one that was not paid
-- for begins, if whole cycles are over since then, in which it gave nothing:
-- they are never billed, and the one that runs is next. '{}': none is over.
create function billing.subscription_lapsed(s jsonb, at timestamptz) returns jsonb
language plpgsql stable
set search_path = '' as $$
declare
    anchor constant timestamptz := s ->> 'anchor';
    zone   constant text := s #>> '{terms,timeZone}';
    cycle  constant text := s #>> '{terms,cycle}';
    was    constant int := s ->> 'period';
    n      int := was;
begin
    if not billing.zone_known(zone) then
        return '{}';                        -- so it is stuck, when it is to be renewed
    end if;
    while billing.cycle_moment(anchor, zone, cycle, n + 2) <= at loop
        n := n + 1;
    end loop;
    return case
        when n = was then '{}'
        else pg_catalog.jsonb_build_object('period', n, 'periodEnd', vg.z(billing.cycle_moment(anchor, zone, cycle, n + 1)))
    end;
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
            pg_catalog.jsonb_build_object('invoice', i.id)
                || case when b.status = 'PAST_DUE' then billing.subscription_lapsed(b.state, at) else '{}' end,
            'system', at, correlation);
        return '[]';
    end if;
    if b.status = 'PAST_DUE' and not coalesce((b.state ->> 'retrying')::boolean, false) then
        return '[]';                        -- its next step is the clock's
    end if;
    if i.due_at is null or billing.invoice_asked(b.invoice_id) > 0 then
        update billing.subscription as u
        set next_at = at + interval '1 minute'
        where u.id = b.id;
        return '[]';
    end if;
    return billing.subscription_unpaid(b, dunning, at, correlation);
end
$$;

-- invoice_collect(invoice, at, correlation): what is open of an invoice is asked
-- for once more; of nothing where it is on account. Nothing to ask is no error:
-- it stays open. The events to tell.
create function billing.invoice_collect(invoice uuid, at timestamptz, correlation text) returns jsonb
language plpgsql
set search_path = '' as $$
declare
    i billing.invoice;
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
    return coalesce(billing.invoice_paid(i.id,
        billing.invoice_ask(i, i.total - i.paid - i.credited, at, correlation), at), '[]');
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
    return billing.invoice_collect(b.invoice_id, at, correlation);
end
$$;
