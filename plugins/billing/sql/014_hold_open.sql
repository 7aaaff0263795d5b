-- How a hold is opened, raised, lowered, taken over and given back; the tables, and
-- how it ends, are 005_hold.sql's.

-- hold_card(hold): whether the payer's card can be asked: one that said no to
-- this hold is not asked again.
create function billing.hold_card(h billing.hold) returns boolean
language plpgsql stable
set search_path = '' as $$
begin
    return exists (
        select
        from billing.payer as p
        join billing.method as m on m.id = p.method_id and m.payer = p.id and m.removed_at is null
        where p.id = h.payer
            and not exists (
                select
                from billing.hold_part as t
                join billing.intent as i on i.id = t.intent_id
                where t.hold_id = h.id and t.status = 'REFUSED' and i.method_id = m.id));
end
$$;

-- hold_part_add(hold, more, …): a further part: of credit, where that is
-- enough, else of the payer's card, else, if a part will do, of what credit
-- there is. False: there is no way to pay.
create function billing.hold_part_add(h billing.hold, more numeric, partly boolean, at timestamptz, correlation text)
returns boolean
language plpgsql
set search_path = '' as $$
declare
    intent uuid;
    credit numeric;
    next   int;
    nth    int;
begin
    select coalesce(max(a.balance), 0) into credit
    from billing.account as a
    where a.owner = h.payer and a.kind = 'CREDIT' and a.currency = h.currency;
    select coalesce(max(p.position), 0) + 1 into next
    from billing.hold_part as p
    where p.hold_id = h.id;
    if credit < more and billing.hold_card(h) then
        intent := vg.uuid7();
        perform billing.intent_open(intent, 'HOLD', h.id, h.payer, h.customer_id, h.company_id, h.issuer, null,
            more, h.currency, 'AUTHORISED', at, correlation);
    elsif credit < more and (credit = 0 or not partly) then
        return false;
    else
        more := least(more, credit);
        update billing.hold as o
        set moves = o.moves + 1
        where o.id = h.id
        returning o.moves into nth;
        perform billing.move('HOLD', h.id, 'part/' || nth, 'CREDIT', h.payer, 'HELD', h.payer, more, h.currency, at, correlation);
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
-- is, PENDING while a card may still say so, RELEASED where nothing is wanted,
-- else REFUSED. As it was, it has no new version, and nothing is to be told.
create function billing.hold_sum(h billing.hold, at timestamptz) returns billing.hold
language plpgsql
set search_path = '' as $$
declare
    held    numeric;
    pending boolean;
begin
    select coalesce(sum(p.amount) filter (where p.status = 'HELD'), 0), coalesce(bool_or(p.status = 'PENDING'), false)
    into held, pending
    from billing.hold_part as p
    where p.hold_id = h.id;
    h.amount := held;
    h.status := case when held > 0 then 'HELD' when pending then 'PENDING' when h.wanted = 0 then 'RELEASED' else 'REFUSED' end;
    h.failure := case when h.status = 'REFUSED' then coalesce(h.failure, 'payment_required') end;
    update billing.hold as o
    set amount = h.amount,
        status = h.status,
        failure = h.failure,
        exhausted = h.exhausted,
        updated_at = at,
        version = o.version + 1
    where o.id = h.id
        and (o.amount, o.status, o.failure, o.exhausted) is distinct from (h.amount, h.status, h.failure, h.exhausted);
    select o.* into h
    from billing.hold as o
    where o.id = h.id;
    return h;
end
$$;

-- hold_fit(hold, wanted, …): raises or lowers it to what is wanted; 0: all goes
-- back. What is pending counts: a card is not asked twice. exhausted: it cannot
-- be raised.
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
    elsif wanted = 0 then
        perform billing.hold_parts_end(h, at, correlation);
    elsif wanted < held then
        perform billing.hold_part_cut(h, held - wanted, at, correlation);
    end if;
    update billing.hold as o
    set wanted = hold_fit.wanted
    where o.id = h.id;
    h.wanted := wanted;
    return billing.hold_sum(h, at);
end
$$;

-- hold_take(session's hold, reservation, …): the hold of the reservation that
-- it uses becomes its own. The reservation's stays, without parts, and knows
-- by whom it was taken, also where it is asked for only now. What a reservation
-- owes that is over is not the session's.
create function billing.hold_take(h billing.hold, reservation uuid, at timestamptz) returns void
language plpgsql
set search_path = '' as $$
declare
    was billing.hold;
begin
    insert into billing.hold as o (id, subject_kind, subject, payer, customer_id, company_id, issuer, currency, status,
        taken_by, expires_at, created_at, updated_at)
    values (vg.uuid7(), 'RESERVATION', reservation, h.payer, h.customer_id, h.company_id, h.issuer, h.currency, 'RELEASED',
        h.subject, h.expires_at, at, at)
    on conflict on constraint hold_subject do update
    set status = 'RELEASED',
        amount = 0,
        taken_by = h.subject,
        updated_at = at,
        version = o.version + 1
    where o.subject_kind = 'RESERVATION' and o.status in ('PENDING', 'HELD') and o.over_at is null
        and o.payer = h.payer and o.currency = h.currency
    returning o.* into was;
    if was.id is null then
        return;
    end if;
    update billing.hold_part as p
    set hold_id = h.id
    where p.hold_id = was.id and p.status in ('PENDING', 'HELD');
    update billing.hold as o
    set taken_from = reservation
    where o.id = h.id;
end
$$;

-- hold_resize(reservation, …): brings its hold to that amount; an older wish
-- (asked: the reservation's version) changes nothing, nor does one about what is
-- over or was refused. What a session has taken is noted for when it comes back.
-- NULL: there is none.
create function billing.hold_resize(reservation uuid, currency text, amount numeric, net_share numeric, expires timestamptz,
    asked int, at timestamptz, correlation text)
returns billing.hold
language plpgsql
set search_path = '' as $$
declare
    h billing.hold := billing.hold_of(reservation);
begin
    if h.id is null or h.over_at is not null or h.status not in ('PENDING', 'HELD', 'RELEASED') or h.asked > hold_resize.asked
        or h.currency <> hold_resize.currency
    then
        return h;
    end if;
    update billing.hold as o
    set asked = hold_resize.asked,
        expires_at = coalesce(expires, o.expires_at),
        wanted = hold_resize.amount,
        step = hold_resize.amount,
        net_share = coalesce(hold_resize.net_share, o.net_share)
    where o.id = h.id
    returning o.* into h;
    if h.taken_by is not null then
        return h;
    end if;
    return billing.hold_fit(h, hold_resize.amount, at, correlation);
end
$$;

-- hold_open(…): opens a hold of an amount, or, where there is one, of a
-- reservation, brings it to that amount; 0 lets go of it. A session takes over
-- the one of its reservation; one that was billed, or is waiting for its price,
-- is over (billing.used), and nothing is held for it any more. NULL: nothing
-- is, nor was.
create function billing.hold_open(kind text, subject uuid, reservation uuid, customer text, company text, issuer text,
    currency text, amount numeric, net_share numeric, expires timestamptz, at timestamptz, correlation text,
    asked int default 0)
returns billing.hold
language plpgsql
set search_path = '' as $$
declare
    who text;
    h   billing.hold;
begin
    if amount > 0 then
        who := (billing.payer_known(customer, company)).id;
        perform
        from billing.payer as p
        where p.id = who
        for update;
        if kind = 'SESSION' and exists (select from billing.used as u where u.session_id = hold_open.subject) then
            perform billing.hold_note(hold_open.subject, at);
        end if;
        insert into billing.hold as o (id, subject_kind, subject, payer, customer_id, company_id, issuer, currency,
            step, net_share, expires_at, asked, created_at, updated_at)
        values (vg.uuid7(), kind, hold_open.subject, who, customer, company, hold_open.issuer,
            hold_open.currency, hold_open.amount, hold_open.net_share, expires, hold_open.asked, at, at)
        on conflict on constraint hold_subject do nothing
        returning o.* into h;
    end if;
    if h.id is null and kind = 'SESSION' then
        return billing.hold_of(hold_open.subject);
    elsif h.id is null then
        return billing.hold_resize(hold_open.subject, hold_open.currency, hold_open.amount, hold_open.net_share, expires,
            hold_open.asked, at, correlation);
    elsif reservation is not null then
        perform billing.hold_take(h, reservation, at);
    end if;
    return billing.hold_fit(h, hold_open.amount, at, correlation);
end
$$;

-- hold_raise(subject, cost, …): the session has cost so much by now, tax
-- included. Raised by what was first expected, as often as it takes for the
-- cost to be a part (per cent) of it at most. NULL: nothing has changed.
create function billing.hold_raise(subject uuid, cost numeric, part numeric, at timestamptz, correlation text)
returns billing.hold
language plpgsql
set search_path = '' as $$
declare
    h    billing.hold := billing.hold_of(hold_raise.subject);
    was  int := h.version;
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
    h := billing.hold_fit(h, greatest(want, h.wanted), at, correlation);
    return case when h.version > was then h end;
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
-- the reservation from which it was taken, if that is not over, and is brought
-- to what that wanted, anew where the session's was refused; else it is
-- released. Answers the event about the reservation's; NULL: there is none.
create function billing.hold_back(session uuid, at timestamptz, correlation text) returns jsonb
language plpgsql
set search_path = '' as $$
declare
    h   billing.hold := billing.hold_of(session);
    was billing.hold;
begin
    if h.taken_from is not null and h.over_at is null then
        update billing.hold as o
        set taken_by = null
        where o.subject = h.taken_from and o.taken_by = session and o.over_at is null
        returning o.* into was;
    end if;
    if was.id is null then
        perform billing.hold_release(session, at, correlation);
        return null;
    end if;
    update billing.hold_part as p
    set hold_id = was.id,
        position = p.position + coalesce((select max(o.position) from billing.hold_part as o where o.hold_id = was.id), 0)
    where p.hold_id = h.id and p.status in ('PENDING', 'HELD');
    update billing.hold as o
    set status = case when o.status = 'REFUSED' then o.status else 'RELEASED' end,
        amount = 0,
        wanted = 0,
        over_at = at,
        updated_at = at,
        version = o.version + 1
    where o.id = h.id;
    return billing.hold_event(billing.hold_fit(was, was.wanted, at, correlation));
end
$$;

-- What no moment may show: a hold that is not the sum of its parts, a part that
-- outlives its hold, a card that is kept for a part that is none any more, and
-- money that is held for nothing. (HELD is also what is to be given back, of
-- credit and of what a provider captured beyond the wish.)
create view billing.hold_fault as
select 'hold' as what,
    h.id::text as which,
    h.amount - coalesce(sum(p.amount) filter (where p.status = 'HELD'), 0) as amount
from billing.hold h
left join billing.hold_part p on p.hold_id = h.id
group by h.id
having h.amount <> coalesce(sum(p.amount) filter (where p.status = 'HELD'), 0)
union all
select 'part',
    p.hold_id || '/' || p.position,
    p.amount
from billing.hold_part p
join billing.hold h on h.id = p.hold_id
where p.status in ('PENDING', 'HELD')
    and h.status not in ('PENDING', 'HELD')
union all
select 'card',
    i.id::text,
    i.amount
from billing.intent i
left join billing.hold_part p on p.intent_id = i.id
where i.purpose = 'HOLD'
    and i.wanted = 'AUTHORISED'
    and i.status in ('PENDING', 'AUTHORISED')
    and p.status is distinct from case i.status when 'PENDING' then 'PENDING' else 'HELD' end
union all
select 'held',
    a.owner || ' ' || a.currency,
    a.balance - t.amount
from billing.account a
cross join lateral (
    select (
            select coalesce(sum(p.amount), 0)
            from billing.hold h
            join billing.hold_part p on p.hold_id = h.id
            where h.payer = a.owner
                and h.currency = a.currency
                and p.source = 'CREDIT'
                and p.status = 'HELD') + (
            select coalesce(sum(case when u.account = 'CREDIT' then least(i.to_refund, i.captured) - i.refunded else 0 end
                + i.excess - i.excess_back), 0)
            from billing.intent i
            join billing.purpose u on u.purpose = i.purpose
            where i.payer = a.owner
                and i.currency = a.currency) as amount) t
where a.kind = 'HELD'
    and a.balance <> t.amount;
