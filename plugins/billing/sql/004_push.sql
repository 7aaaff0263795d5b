-- What providers say of payments: what a payment is then, and what is asked
-- next (004_intent.sql, intent.c).

-- intent_heard(was, said): what it is, now that a provider has said this:
-- {op, verdict, status, ref, order, captured, refunded, failure, version, claim}.
-- Amounts are the provider's, in all. Money decides over words: what is captured
-- is CAPTURED, whatever it was. READ: it is so. NOT_THERE: the provider was
-- looked at, and knows of none: after a refusal it has failed, else nothing is
-- known. REFUSED: nothing came of it, and why is looked at. What did not move for
-- a quarter of an hour, in the last 12 minutes of which it was looked at alone
-- (pay_next()), is asked for under another key: what was asked under the last one
-- lies nowhere any more.
--
-- version is the row's when it was asked: only of a row that nobody has written
-- since a look clears the doubt, or says that a refund was taken back. That one
-- is wished for no more: the card that it went to does not take it. What was
-- given up, and turns up as authorised, is cancelled.
create function billing.intent_heard(was billing.intent, said jsonb) returns billing.intent
language plpgsql stable
set search_path = '' as $$
declare
    i        billing.intent := was;
    looked   boolean := said ->> 'op' = 'LOOK' and coalesce((said ->> 'version')::int = was.version, true);
    gone     numeric := was.refunded + was.excess_back;
    captured numeric := greatest(was.captured + was.excess, (said ->> 'captured')::numeric);
    refunded numeric := coalesce((said ->> 'refunded')::numeric, gone);
    over     boolean := was.status in ('CANCELLED', 'FAILED');
begin
    if not looked then
        refunded := greatest(refunded, gone);
    end if;
    i.doubt := said ->> 'verdict' = 'REFUSED' or (was.doubt and not looked);
    i.tries := was.tries + (said ->> 'verdict' = 'REFUSED' or (said ->> 'op' = 'LOOK' and was.waits >= 10) or refunded < gone)::int;
    i.failure := coalesce(said ->> 'failure', case when refunded < gone then 'refund_returned' end, was.failure);
    i.provider_ref := coalesce(was.provider_ref, said ->> 'ref');
    i.provider_order := coalesce(was.provider_order, said ->> 'order');
    if was.captured = 0 then
        i.captured := least(captured, coalesce(was.to_capture, was.amount));
    end if;
    i.excess := captured - i.captured;
    i.excess_back := least(i.excess, refunded);
    i.refunded := refunded - i.excess_back;
    i.returned := was.returned + greatest(gone - refunded, 0);
    i.to_refund := greatest(was.to_refund - case when refunded < gone then was.refunded - i.refunded else 0 end, i.refunded,
        case when was.wanted = 'CANCELLED' then i.captured - i.returned else 0 end);
    i.status := case
        when captured > 0 then 'CAPTURED'
        when over and coalesce(said ->> 'status', '') <> 'AUTHORISED' then was.status
        when said ->> 'verdict' = 'NOT_THERE' and was.status = 'PENDING' and was.failure is not null then 'FAILED'
        when said ->> 'verdict' = 'READ' and not (was.status = 'AUTHORISED' and said ->> 'status' = 'PENDING')
            then coalesce(said ->> 'status', was.status)
        else was.status
    end;
    if over and i.status = 'AUTHORISED' then
        i.wanted := 'CANCELLED';
    end if;
    if i.status in ('CAPTURED', 'CANCELLED') and i.returned = 0 then
        i.failure := null;
    end if;
    i.waits := case
        when said ->> 'op' = 'LOOK' and was.waits >= 10 then 0
        when (i.status, captured, refunded, i.provider_ref, i.provider_order) is not distinct from
            (was.status, was.captured + was.excess, gone, was.provider_ref, was.provider_order)
            then was.waits + 1
        else 0
    end;
    return i;
end
$$;

-- intent_said(id, said, at, correlation): writes down what a provider said of
-- it, moves the money and the hold that it is a part of, and returns {events,
-- delay, claim}: what is told, and after how many seconds it is pushed again;
-- no delay: it is settled. The claim is the next push's: where no key makes it
-- safe to repeat what is asked, who has none looks at what came of it. It goes
-- from push to push until all is settled, and is lost to who has looked when
-- for longer than a call may take nothing was heard of who has it.
create function billing.intent_said(about uuid, said jsonb, at timestamptz, correlation text) returns jsonb
language plpgsql
set search_path = '' as $$
declare
    was    billing.intent := billing.intent_of(about);
    i      billing.intent := billing.intent_heard(was, said);
    mine   boolean := was.claim is null or was.claim::text is not distinct from said ->> 'claim'
        or (said ->> 'op' = 'LOOK' and was.claimed_at < at - interval '2 minutes');
    events jsonb;
begin
    if was.id is null then
        return '{"events": []}';
    end if;
    events := billing.intent_books(was, i, at, correlation);
    update billing.intent as t
    set status = i.status,
        wanted = i.wanted,
        captured = i.captured,
        refunded = i.refunded,
        returned = i.returned,
        excess = i.excess,
        excess_back = i.excess_back,
        to_refund = i.to_refund,
        provider_ref = i.provider_ref,
        provider_order = i.provider_order,
        failure = i.failure,
        doubt = i.doubt,
        claim = case
            when i.status not in ('PENDING', 'AUTHORISED') then null
            when not mine then t.claim
            when i.status <> i.wanted then pg_catalog.gen_random_uuid()
        end,
        claimed_at = case when mine then at else t.claimed_at end,
        tries = i.tries,
        waits = i.waits,
        pushed_at = at,
        updated_at = case when i.waits = 0 then at else t.updated_at end,
        version = t.version + (i.waits = 0 or i.doubt <> t.doubt)::int
    where t.id = i.id
    returning t.* into i;
    if i.purpose = 'HOLD' and i.status <> was.status then
        events := events || coalesce(billing.hold_moved(i.id, i.status, at, correlation), '[]');
    end if;
    return pg_catalog.jsonb_build_object(
        'events', billing.intent_moved(was, i) || events,
        'claim', case when mine then i.claim end,
        'delay', case
            when i.settled then null
            when i.waits = 0 or said ->> 'op' = 'NONE' then 0
            else least(900, pg_catalog.power(2, least(i.waits, 20) - 1))
        end);
end
$$;
