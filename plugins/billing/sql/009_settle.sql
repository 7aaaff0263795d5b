-- How an invoice is paid once it is issued.

-- invoice_settle(invoice, days, intent, at, correlation): says when it is due
-- and gets it paid, once: by what is held for its subject, then, unless its
-- payer has an account with us, by its credit as far as that goes, then by the
-- payer's card, with an intent of that id. Answers {events, pushed}: pushed is
-- true where the intent was opened and its job has to be left; NULL where it
-- was settled before. What nothing pays is owed, and so is what a held card
-- does not pay after all.
create function billing.invoice_settle(invoice uuid, days int, intent uuid, at timestamptz, correlation text) returns jsonb
language plpgsql
set search_path = '' as $$
declare
    owed   billing.invoice;
    payer  billing.payer;
    prompt boolean;
    held   numeric;
    now_by numeric := 0;                    -- paid with this commit
    open   numeric;
    credit numeric;
    pushed boolean := false;
    method uuid;                            -- its subscription's, where it says which
begin
    select i.* into owed
    from billing.invoice as i
    where i.id = invoice_settle.invoice;
    payer := billing.payer_known(owed.customer_id, owed.company_id);
    select p.* into payer
    from billing.payer as p
    where p.id = payer.id
    for update;
    update billing.invoice as i
    set due_at = i.issued_at + case when payer.terms = 'ACCOUNT' then pg_catalog.make_interval(days => invoice_settle.days)
            else interval '0' end,
        version = i.version + 1
    where i.id = owed.id and i.due_at is null
    returning i.* into owed;
    if not found then
        return null;
    end if;
    if payer.terms = 'ACCOUNT' then
        perform billing.overdue_wait(owed);
    end if;
    prompt := payer.terms = 'PREPAID';
    method := billing.subscription_method(owed.subject_id);
    open := owed.total - owed.paid - owed.credited;
    held := billing.hold_capture(owed.subject_id, owed.id, open, at, correlation);
    if held > 0 then
        now_by := billing.hold_paid(owed.subject_id);
        open := open - held;
    end if;
    if prompt and open > 0 then
        credit := billing.credit_use(payer.id, owed.id, open, owed.currency, at, correlation);
        now_by := now_by + credit;
        open := open - credit;
    end if;
    if prompt and open > 0 and exists (
        select
        from billing.method as m
        where m.id = coalesce(method, payer.method_id) and m.payer = payer.id and m.removed_at is null)
    then
        perform billing.intent_open(intent, 'INVOICE', owed.id, payer.id, owed.customer_id, owed.company_id, owed.issuer,
            method, open, owed.currency, 'CAPTURED', at);
        pushed := true;
    end if;
    return pg_catalog.jsonb_build_object(
        'events', billing.invoice_paid(owed.id, now_by, at),
        'pushed', pushed);
end
$$;
