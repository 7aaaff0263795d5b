-- Invoices of subscriptions on a company's account: one that is not paid when it
-- is due makes its subscription PAST_DUE. Looked for by rows of their own: an
-- index on when invoices are due would be written by the settling of each.

create table billing.overdue (
    invoice_id      uuid        not null,
    subscription_id uuid        not null,
    look_at         timestamptz not null,   -- when it is due; then when it is looked at again
    constraint overdue_pkey primary key (invoice_id)
);
create index overdue_look on billing.overdue (look_at);

-- overdue_wait(invoice): it will be looked at when it is due. Who calls it has
-- settled it.
create function billing.overdue_wait(of billing.invoice) returns void
language plpgsql
set search_path = '' as $$
begin
    if (of).subject_kind = 'SUBSCRIPTION' and (of).total > (of).paid + (of).credited then
        insert into billing.overdue (invoice_id, subscription_id, look_at)
        values ((of).id, (of).subject_id, (of).due_at)
        on conflict on constraint overdue_pkey do nothing;
    end if;
end
$$;

-- overdue_look(due, dunning, at, correlation): what becomes of one, whose
-- subscription is locked: paid, or its subscription is over: it is forgotten;
-- not paid: dunning begins. While the subscription begins, or another invoice
-- of it is not paid, it is looked at again. The events to tell.
create function billing.overdue_look(due billing.overdue, b billing.subscription, dunning jsonb, at timestamptz,
    correlation text) returns jsonb
language plpgsql
set search_path = '' as $$
declare
    over boolean := b.status in ('CANCELLED', 'FAILED') or exists (
        select
        from billing.invoice as i
        where i.id = due.invoice_id and i.total <= i.paid + i.credited);
begin
    if not over and (b.status <> 'ACTIVE' or b.invoice_id is not null or billing.invoice_asked(due.invoice_id) > 0) then
        update billing.overdue as o
        set look_at = overdue_look.at + interval '1 minute'
        where o.invoice_id = due.invoice_id;
        return '[]';
    end if;
    delete from billing.overdue as o
    where o.invoice_id = due.invoice_id;
    if over then
        return '[]';
    end if;
    b.invoice_id := due.invoice_id;
    return billing.subscription_unpaid(b, dunning, at, correlation);
end
$$;

-- overdue_sweep(dunning, most, at, correlation): up to so many that are due;
-- whose subscription somebody has is another sweep's. The events to tell.
create function billing.overdue_sweep(dunning jsonb, most int, at timestamptz, correlation text) returns jsonb
language plpgsql
set search_path = '' as $$
declare
    due    billing.overdue;
    b      billing.subscription;
    events jsonb := '[]';
begin
    for due in
        select o.*
        from billing.overdue as o
        where o.look_at <= at
        order by o.look_at
        limit most
        for update skip locked
    loop
        select u.* into b
        from billing.subscription as u
        where u.id = due.subscription_id
        for update skip locked;
        continue when not found;
        events := events || billing.overdue_look(due, b, dunning, at, correlation);
    end loop;
    return events;
end
$$;
