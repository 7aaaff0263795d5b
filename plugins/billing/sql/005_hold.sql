-- Holds: money that is kept for what is expected, until the invoice says what
-- it was. A hold is a sum of parts: the first when it is opened, one for each
-- time it was raised; each is of credit, or an intent on a card.

create table billing.hold (
    id           uuid        not null,
    subject_kind text        not null,      -- SESSION, RESERVATION
    subject      uuid        not null,
    payer        text,                      -- NULL: it was over before it was opened
    customer_id  text,
    company_id   text,
    issuer       text,
    currency     text,
    amount       numeric     not null default 0,   -- what is held, of all its parts
    wanted       numeric     not null default 0,   -- what is to be held
    step         numeric     not null default 0,   -- by which it is raised: what was first expected
    net_share    numeric     not null default 1,   -- of a price, what is left without tax
    status       text        not null default 'PENDING',
    failure      text,                      -- payment_required, payment_declined
    exhausted    boolean     not null default false,   -- it could not be raised
    captured     numeric     not null default 0,
    invoice_id   uuid,                      -- for which it was captured
    taken_from   uuid,                      -- of a session: the reservation that held it before
    taken_by     uuid,                      -- of a reservation: the session that holds it now
    over_at      timestamptz,               -- its subject is over
    expires_at   timestamptz not null,      -- what is over is let go then
    asked        int         not null default 0,   -- of a reservation: its version when its size was asked for
    moves        int         not null default 0,   -- its movements in the books are numbered
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    version      int         not null default 1,
    constraint hold_pkey primary key (id),
    constraint hold_subject unique (subject),
    constraint hold_kind check (subject_kind in ('SESSION', 'RESERVATION')),
    constraint hold_status check (status in ('PENDING', 'HELD', 'REFUSED', 'CAPTURED', 'RELEASED')),
    constraint hold_amounts check (amount >= 0 and captured >= 0 and wanted >= 0)
);
create index hold_customer on billing.hold (customer_id, id);
create index hold_company on billing.hold (company_id, id) where company_id is not null;
create index hold_issuer on billing.hold (issuer, id);
create index hold_open on billing.hold (expires_at) where status in ('PENDING', 'HELD');

create table billing.hold_part (
    hold_id   uuid    not null,
    position  int     not null,
    source    text    not null,             -- CREDIT, CARD
    intent_id uuid,                         -- of a CARD
    amount    numeric not null,
    captured  numeric not null default 0,
    status    text    not null,             -- PENDING, HELD, REFUSED, CAPTURED, RELEASED
    constraint hold_part_pkey primary key (hold_id, position),
    constraint hold_part_hold foreign key (hold_id) references billing.hold (id),
    constraint hold_part_intent unique (intent_id),
    constraint hold_part_source check (source in ('CREDIT', 'CARD') and (source = 'CARD') = (intent_id is not null)),
    constraint hold_part_status check (status in ('PENDING', 'HELD', 'REFUSED', 'CAPTURED', 'RELEASED')),
    constraint hold_part_amounts check (amount >= 0 and captured between 0 and amount)
);


create view billing.hold_json as
select h.id,
    h.subject_kind,
    h.subject,
    h.status,
    h.customer_id,
    h.company_id,
    h.issuer,
    h.version,
    json_build_object(
        'id', h.id,
        'subjectKind', h.subject_kind,
        'subject', h.subject,
        'customerId', h.customer_id,
        'companyId', h.company_id,
        'operatorId', h.issuer,
        'status', h.status,
        'failure', h.failure,
        'exhausted', h.exhausted,
        'amount', h.amount,
        'captured', h.captured,
        'currency', h.currency,
        'invoiceId', h.invoice_id,
        'takenFrom', h.taken_from,
        'takenBy', h.taken_by,
        'parts', (
            select coalesce(json_agg(json_build_object(
                'position', p.position,
                'source', p.source,
                'paymentId', p.intent_id,
                'amount', p.amount,
                'captured', p.captured,
                'status', p.status) order by p.position), '[]')
            from billing.hold_part p
            where p.hold_id = h.id),
        'expiresAt', vg.z(h.expires_at),
        'createdAt', vg.z(h.created_at),
        'updatedAt', vg.z(h.updated_at),
        'version', h.version) as body
from billing.hold h
where h.payer is not null;

-- hold_event(hold): what its subject has to know: what is held of it, without
-- tax, too, since what a session costs so far is known so.
create function billing.hold_event(h billing.hold) returns jsonb
language sql stable parallel safe
return jsonb_build_object(
    'type', 'hold.changed.v1',
    'aggregateId', h.subject::text,
    'payload', jsonb_build_object(
        'holdId', h.id,
        'subjectKind', h.subject_kind,
        'subject', h.subject,
        'status', case when h.status = 'HELD' and h.exhausted then 'EXHAUSTED' else h.status end,
        'failure', h.failure,
        'amount', h.amount,
        'net', trim_scale(round(h.amount * h.net_share, 6)),
        'currency', h.currency,
        'version', h.version,
        'customerId', h.customer_id,
        'companyId', h.company_id,
        'operatorId', h.issuer));

-- hold_of(subject): the subject's hold, to be changed. All that moves a
-- payer's money locks the payer first, see billing.payer_known().
create function billing.hold_of(about uuid) returns billing.hold
language plpgsql
set search_path = '' as $$
declare
    h billing.hold;
begin
    perform
    from billing.payer as p
    where p.id = (
        select o.payer
        from billing.hold as o
        where o.subject = about)
    for update;
    select o.* into h
    from billing.hold as o
    where o.subject = about
    for update;
    return h;
end
$$;

-- hold_part_end(part, take, …): of a part `take` pays the invoice, the rest
-- goes back. Of a card the provider is asked for both by one capture.
create function billing.hold_part_end(h billing.hold, p billing.hold_part, take numeric, invoice uuid,
    at timestamptz, correlation text) returns void
language plpgsql
set search_path = '' as $$
begin
    if p.source = 'CARD' then
        perform billing.intent_wished(p.intent_id, case when take > 0 then 'CAPTURED' else 'CANCELLED' end,
            nullif(take, 0), null, at, correlation);
    else
        perform billing.move('PAYMENT', invoice, 'hold/' || h.id || '/' || p.position, 'HELD', h.payer, 'RECEIVABLE', h.payer,
            take, h.currency, at, correlation);
        perform billing.move('RELEASE', h.id, 'end/' || p.position, 'HELD', h.payer, 'CREDIT', h.payer,
            p.amount - take, h.currency, at, correlation);
    end if;
    update billing.hold_part as t
    set status = case when take > 0 then 'CAPTURED' else 'RELEASED' end,
        captured = take
    where t.hold_id = p.hold_id and t.position = p.position;
end
$$;

-- hold_parts_end(hold, …): all that is held or asked for goes back
create function billing.hold_parts_end(h billing.hold, at timestamptz, correlation text) returns void
language plpgsql
set search_path = '' as $$
declare
    p billing.hold_part;
begin
    for p in
        select t.*
        from billing.hold_part as t
        where t.hold_id = h.id and t.status in ('PENDING', 'HELD')
        order by t.position
    loop
        perform billing.hold_part_end(h, p, 0, null, at, correlation);
    end loop;
end
$$;

-- hold_capture(subject, invoice, amount, …): what the subject's hold pays of
-- an invoice; 0 where nothing is held. Of credit it is paid with this commit:
-- the caller tells billing.invoice_paid() of hold_paid(subject). Of a card it
-- is once the provider says so, which push knows by billing.hold_invoice().
-- What is not needed goes back. A card that has not said yes is let go.
create function billing.hold_capture(subject uuid, invoice uuid, amount numeric, at timestamptz, correlation text)
returns numeric
language plpgsql
set search_path = '' as $$
declare
    h     billing.hold := billing.hold_of(hold_capture.subject);
    p     billing.hold_part;
    take  numeric;
    taken numeric := 0;
begin
    if h.id is null or h.status not in ('PENDING', 'HELD') then
        return 0;
    end if;
    for p in
        select t.*
        from billing.hold_part as t
        where t.hold_id = h.id and t.status in ('PENDING', 'HELD')
        order by t.source = 'CARD', t.position
    loop
        take := least(p.amount, hold_capture.amount - taken);
        if p.status = 'PENDING' then
            take := 0;
        end if;
        perform billing.hold_part_end(h, p, take, hold_capture.invoice, at, correlation);
        taken := taken + take;
    end loop;
    update billing.hold as o
    set status = case when taken > 0 then 'CAPTURED' else 'RELEASED' end,
        amount = 0,
        wanted = 0,
        captured = taken,
        invoice_id = case when taken > 0 then hold_capture.invoice end,
        over_at = coalesce(o.over_at, at),
        updated_at = at,
        version = o.version + 1
    where o.id = h.id;
    return taken;
end
$$;

-- hold_paid(subject): what was captured of credit: paid at once
create function billing.hold_paid(subject uuid) returns numeric
language plpgsql stable
set search_path = '' as $$
begin
    return (
        select coalesce(sum(p.captured), 0)
        from billing.hold as h
        join billing.hold_part as p on p.hold_id = h.id
        where h.subject = hold_paid.subject and p.source = 'CREDIT' and p.status = 'CAPTURED');
end
$$;

-- hold_invoice(intent): which invoice the capture of a hold's intent pays
create function billing.hold_invoice(intent uuid) returns uuid
language plpgsql stable
set search_path = '' as $$
begin
    return (
        select h.invoice_id
        from billing.hold_part as p
        join billing.hold as h on h.id = p.hold_id
        where p.intent_id = intent);
end
$$;

-- hold_note(subject, at): that it is over where nothing was held for it, so that
-- nothing is any more. False: there is a hold.
create function billing.hold_note(subject uuid, at timestamptz) returns boolean
language plpgsql
set search_path = '' as $$
begin
    insert into billing.hold (id, subject_kind, subject, status, over_at, expires_at, created_at, updated_at)
    values (vg.uuid7(), 'SESSION', hold_note.subject, 'RELEASED', at, at, at, at)
    on conflict on constraint hold_subject do nothing;
    return found;
end
$$;

-- hold_release(subject, at, correlation): nothing is to be paid: all goes
-- back. What was not opened yet is not opened any more.
create function billing.hold_release(subject uuid, at timestamptz, correlation text) returns boolean
language plpgsql
set search_path = '' as $$
declare
    h billing.hold := billing.hold_of(hold_release.subject);
begin
    if h.id is null then
        if billing.hold_note(hold_release.subject, at) then
            return false;
        end if;
        h := billing.hold_of(hold_release.subject);
    end if;
    update billing.hold as o
    set over_at = at
    where o.id = h.id and o.over_at is null;
    if h.status not in ('PENDING', 'HELD') then
        return false;
    end if;
    perform billing.hold_parts_end(h, at, correlation);
    update billing.hold as o
    set status = 'RELEASED',
        amount = 0,
        wanted = 0,
        updated_at = at,
        version = o.version + 1
    where o.id = h.id;
    return true;
end
$$;

-- hold_over(subject, owed, …): its subject is over. What it owes is captured
-- by the invoice that comes, or let go at its time; else it is let go at once.
create function billing.hold_over(about uuid, owed boolean, at timestamptz, correlation text) returns void
language plpgsql
set search_path = '' as $$
begin
    if not owed then
        perform billing.hold_release(about, at, correlation);
    elsif not billing.hold_note(about, at) then
        update billing.hold as o
        set over_at = at
        where o.subject = about and o.over_at is null;
    end if;
end
$$;

-- hold_erase(customer, …): what is over goes, with its parts; what was kept for
-- a session without a price is let go first, for nobody will be billed for it.
-- open: what has to end first.
create function billing.hold_erase(customer text, at timestamptz, correlation text, out gone bigint, out open bigint)
language plpgsql
set search_path = '' as $$
declare
    done uuid[];
begin
    perform billing.hold_release(h.subject, at, correlation)
    from billing.hold as h
    where h.customer_id = customer and h.status in ('PENDING', 'HELD') and h.over_at is not null;
    select pg_catalog.array_agg(h.id) into done
    from billing.hold as h
    where h.customer_id = customer and h.status not in ('PENDING', 'HELD')
        and not exists (
            select
            from billing.hold_part as p
            join billing.intent as i on i.id = p.intent_id
            where p.hold_id = h.id and i.status in ('PENDING', 'AUTHORISED'));
    delete from billing.hold_part as p
    where p.hold_id = any (done);
    delete from billing.hold as h
    where h.id = any (done);
    get diagnostics gone = row_count;
    select count(*) into open
    from billing.hold as h
    where h.customer_id = customer;
end
$$;
