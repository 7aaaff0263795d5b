-- How a hold is opened, raised, lowered, taken over and given back; the tables, and
-- how it ends, are 005_hold.sql's.

-- hold_part_add(hold, more, …): a further part: of credit, where that is
-- enough, else of the payer's card, else, if a part will do, of what credit
-- there is. False: there is no way to pay.
create function billing.hold_part_add(h billing.hold, more numeric, partly boolean, at timestamptz, correlation text)
returns boolean
language plpgsql
set search_path = '' as $$
declare
    intent   uuid;
    credit   numeric;
    has_card boolean;
    next     int;
begin
    select coalesce(max(a.balance), 0) into credit
    from billing.account as a
    where a.owner = h.payer and a.kind = 'CREDIT' and a.currency = h.currency;
    select count(*) > 0 into has_card
    from billing.payer as p
    join billing.method as m on m.id = p.method_id and m.payer = p.id and m.removed_at is null
    where p.id = h.payer;
    select coalesce(max(p.position), 0) + 1 into next
    from billing.hold_part as p
    where p.hold_id = h.id;
    if credit < more and has_card then
        intent := vg.uuid7();
        perform billing.intent_open(intent, 'HOLD', h.id, h.payer, h.customer_id, h.company_id, h.issuer, null,
            more, h.currency, 'AUTHORISED', at);
        perform billing.hold_wish(intent, 'AUTHORISED', null, at, correlation);
    elsif credit < more and (credit = 0 or not partly) then
        return false;
    else
        more := least(more, credit);
        perform billing.move('HOLD', h.id, next::text, 'CREDIT', h.payer, 'HELD', h.payer, more, h.currency, at, correlation);
    end if;
    insert into billing.hold_part (hold_id, position, source, intent_id, amount, status)
    values (h.id, next, case when intent is null then 'CREDIT' else 'CARD' end, intent, more,
        case when intent is null then 'HELD' else 'PENDING' end);
    return true;
end
$$;

-- hold_part_cut(hold, less, …): gives back what is too much, of credit: a card
-- is captured for less. The last part first.
create function billing.hold_part_cut(h billing.hold, less numeric, at timestamptz, correlation text) returns void
language plpgsql
set search_path = '' as $$
declare
    p    billing.hold_part;
    give numeric;
begin
    for p in
        select t.*
        from billing.hold_part as t
        where t.hold_id = h.id and t.status = 'HELD' and t.source = 'CREDIT' and t.amount > 0
        order by t.position desc
    loop
        give := least(p.amount, less);
        less := less - give;
        h.moves := h.moves + 1;
        perform billing.move('RELEASE', h.id, 'cut/' || h.moves, 'HELD', h.payer, 'CREDIT', h.payer, give, h.currency,
            at, correlation);
        update billing.hold_part as t
        set amount = t.amount - give,
            status = case when t.amount = give then 'RELEASED' else t.status end
        where t.hold_id = p.hold_id and t.position = p.position;
        exit when less = 0;
    end loop;
    update billing.hold as o
    set moves = h.moves
    where o.id = h.id;
end
$$;

-- hold_sum(hold, …): what is held follows from the parts: HELD while anything
-- is, PENDING while a card may still say so, else REFUSED.
create function billing.hold_sum(h billing.hold, at timestamptz) returns billing.hold
language plpgsql
set search_path = '' as $$
begin
    update billing.hold as o
    set amount = s.held,
        status = case when s.held > 0 then 'HELD' when s.pending then 'PENDING' else 'REFUSED' end,
        failure = case when s.held > 0 or s.pending then null else coalesce(h.failure, 'payment_required') end,
        exhausted = h.exhausted,
        updated_at = at,
        version = o.version + 1
    from (
        select coalesce(sum(p.amount) filter (where p.status = 'HELD'), 0) as held,
            coalesce(bool_or(p.status = 'PENDING'), false) as pending
        from billing.hold_part as p
        where p.hold_id = h.id) as s
    where o.id = h.id
    returning o.* into h;
    return h;
end
$$;

-- hold_fit(hold, wanted, …): raises or lowers it to what is wanted. What is
-- pending counts: a card is not asked twice. exhausted: it cannot be raised.
create function billing.hold_fit(h billing.hold, wanted numeric, at timestamptz, correlation text) returns billing.hold
language plpgsql
set search_path = '' as $$
declare
    held numeric;
begin
    select coalesce(sum(p.amount), 0) into held
    from billing.hold_part as p
    where p.hold_id = h.id and p.status in ('PENDING', 'HELD');
    h.exhausted := false;
    if wanted > held then
        h.exhausted := not billing.hold_part_add(h, wanted - held, held > 0, at, correlation);
    elsif wanted < held then
        perform billing.hold_part_cut(h, held - wanted, at, correlation);
    end if;
    update billing.hold as o
    set wanted = hold_fit.wanted
    where o.id = h.id;
    return billing.hold_sum(h, at);
end
$$;

-- hold_take(session's hold, reservation, …): the hold of the reservation that
-- it uses becomes its own. The reservation's stays, without parts, and knows
-- by whom it was taken.
create function billing.hold_take(h billing.hold, reservation uuid, at timestamptz) returns void
language plpgsql
set search_path = '' as $$
declare
    was billing.hold;
begin
    update billing.hold as o
    set status = 'RELEASED',
        amount = 0,
        taken_by = h.subject,
        updated_at = at,
        version = o.version + 1
    where o.subject = reservation and o.subject_kind = 'RESERVATION' and o.status in ('PENDING', 'HELD')
        and o.payer = h.payer and o.currency = h.currency
    returning o.* into was;
    if was.id is null then
        return;
    end if;
    update billing.hold_part as p
    set hold_id = h.id
    where p.hold_id = was.id;
    update billing.hold as o
    set taken_from = reservation
    where o.id = h.id;
end
$$;

-- hold_open(…): opens a hold of an amount, or, where there is one that is not
-- over, brings it to that amount; one that is over or was refused stays so. A
-- session takes over the one of its reservation.
create function billing.hold_open(kind text, subject uuid, reservation uuid, customer text, company text, issuer text,
    currency text, amount numeric, net_share numeric, expires timestamptz, at timestamptz, correlation text)
returns billing.hold
language plpgsql
set search_path = '' as $$
declare
    who text := (billing.payer_known(customer, company)).id;
    h   billing.hold;
begin
    perform
    from billing.payer as p
    where p.id = who
    for update;
    insert into billing.hold as o (id, subject_kind, subject, payer, customer_id, company_id, issuer, currency,
        step, net_share, expires_at, created_at, updated_at)
    values (vg.uuid7(), kind, hold_open.subject, who, customer, company, hold_open.issuer,
        hold_open.currency, hold_open.amount, hold_open.net_share, expires, at, at)
    on conflict on constraint hold_subject do nothing
    returning o.* into h;
    if h.id is not null and reservation is not null then
        perform billing.hold_take(h, reservation, at);
    elsif h.id is null then
        h := billing.hold_of(hold_open.subject);
        if h.status not in ('PENDING', 'HELD') or h.currency <> hold_open.currency
            or h.wanted = hold_open.amount or h.subject_kind = 'SESSION'
        then
            return h;
        end if;
        update billing.hold as o
        set expires_at = expires,
            step = hold_open.amount,
            net_share = hold_open.net_share
        where o.id = h.id
        returning o.* into h;
    end if;
    return billing.hold_fit(h, hold_open.amount, at, correlation);
end
$$;

-- hold_raise(subject, cost, …): the session has cost so much by now, tax
-- included. Raised by what was first expected, as often as it takes for the
-- cost to be a part (per cent) of it at most. NULL: there is no need.
create function billing.hold_raise(subject uuid, cost numeric, part numeric, at timestamptz, correlation text)
returns billing.hold
language plpgsql
set search_path = '' as $$
declare
    h    billing.hold := billing.hold_of(hold_raise.subject);
    want numeric;
begin
    if h.status is distinct from 'HELD' or cost * 100 < h.amount * part or h.step = 0 then
        return null;
    end if;
    want := h.amount + h.step * greatest(1, ceil((cost * 100 / part - h.amount) / h.step));
    if want <= h.wanted and exists (
        select
        from billing.hold_part as p
        where p.hold_id = h.id and p.status = 'PENDING')
    then
        return null;
    end if;
    return billing.hold_fit(h, greatest(want, h.wanted), at, correlation);
end
$$;

-- hold_unpaid(hold, intent, at): a capture that the provider did not make after
-- all: what it was to pay is owed, as the invoice says.
create function billing.hold_unpaid(h billing.hold, intent uuid, at timestamptz) returns void
language plpgsql
set search_path = '' as $$
begin
    update billing.hold_part as p
    set status = 'REFUSED',
        captured = 0
    where p.hold_id = h.id and p.intent_id = intent and p.status = 'CAPTURED';
    update billing.hold as o
    set captured = (
            select coalesce(sum(p.captured), 0)
            from billing.hold_part as p
            where p.hold_id = h.id),
        failure = 'payment_declined',
        updated_at = at,
        version = o.version + 1
    where o.id = h.id and found;
end
$$;

-- hold_moved(intent, status, …): the provider has said yes or no to a part.
-- What is over by then hears it in vain: its wish is written already. Answers
-- the event about it, NULL where nothing has changed.
create function billing.hold_moved(intent uuid, status text, at timestamptz, correlation text) returns jsonb
language plpgsql
set search_path = '' as $$
declare
    h billing.hold;
begin
    h := billing.hold_of((
        select o.subject
        from billing.hold_part as p
        join billing.hold as o on o.id = p.hold_id
        where p.intent_id = intent));
    update billing.hold_part as p
    set status = case when hold_moved.status = 'AUTHORISED' then 'HELD' else 'REFUSED' end
    where p.intent_id = intent and p.hold_id = h.id
        and (p.status = 'PENDING' or p.status = 'HELD' and hold_moved.status <> 'AUTHORISED')
        and hold_moved.status in ('AUTHORISED', 'FAILED', 'CANCELLED');
    if not found then
        perform billing.hold_unpaid(h, intent, at)
        where hold_moved.status = 'FAILED';
        return null;
    end if;
    if hold_moved.status <> 'AUTHORISED' then
        h.failure := 'payment_declined';
        h.exhausted := true;
    end if;
    h := billing.hold_sum(h, at);
    return billing.hold_event(h);
end
$$;

-- hold_back(session, …): a start that came to nothing: its hold goes back to
-- the reservation from which it was taken, if that is not over; else it is
-- released.
create function billing.hold_back(session uuid, at timestamptz, correlation text) returns void
language plpgsql
set search_path = '' as $$
declare
    h   billing.hold := billing.hold_of(session);
    was billing.hold;
begin
    if h.taken_from is not null and h.status in ('PENDING', 'HELD') then
        select o.* into was
        from billing.hold as o
        where o.subject = h.taken_from and o.taken_by = session and o.over_at is null
        for update;
    end if;
    if was.id is null then
        perform billing.hold_release(session, at, correlation);
        return;
    end if;
    update billing.hold_part as p
    set hold_id = was.id
    where p.hold_id = h.id;
    update billing.hold as o
    set status = 'RELEASED',
        amount = 0,
        wanted = 0,
        over_at = at,
        updated_at = at,
        version = o.version + 1
    where o.id = h.id;
    update billing.hold as o
    set taken_by = null
    where o.id = was.id
    returning o.* into was;
    perform billing.hold_fit(was, was.wanted, at, correlation);
end
$$;
