-- How an invoice is paid once it is issued.

-- invoice_asked(invoice): how much of it payments under way will pay
create function billing.invoice_asked(invoice uuid) returns numeric
language plpgsql stable
set search_path = '' as $$
begin
    return (
        select coalesce(sum(coalesce(i.to_capture, i.amount)), 0)
        from billing.intent as i
        where i.subject = invoice
            and i.purpose = 'INVOICE'
            and i.wanted = 'CAPTURED'
            and i.status in ('PENDING', 'AUTHORISED'));
end
$$;

-- invoice_ask(invoice, open, at, correlation): what is open of it, and is not
-- asked for already, is taken of its payer's credit, as far as that goes, and
-- asked of the method of its subscription, or of the payer. What credit paid,
-- which the caller tells billing.invoice_paid(); it has the payer locked.
create function billing.invoice_ask(owed billing.invoice, open numeric, at timestamptz, correlation text) returns numeric
language plpgsql
set search_path = '' as $$
declare
    rest   numeric := open - billing.invoice_asked((owed).id);
    credit numeric := 0;
    method uuid := coalesce(billing.subscription_method((owed).subject_id), (
        select p.method_id
        from billing.payer as p
        where p.id = (owed).payer));
begin
    if rest > 0 then
        credit := billing.credit_use((owed).payer, (owed).id, rest, (owed).currency, at, correlation);
    end if;
    if rest > credit and exists (
        select
        from billing.method as m
        where m.id = method and m.payer = (owed).payer and m.removed_at is null)
    then
        perform billing.intent_open(vg.uuid7(), 'INVOICE', (owed).id, (owed).payer, (owed).customer_id, (owed).company_id,
            (owed).issuer, method, rest - credit, (owed).currency, 'CAPTURED', at, correlation);
    end if;
    return credit;
end
$$;

-- invoice_settle(invoice, days, at, correlation): says when it is due and gets it
-- paid, once: by what is held for its subject, then, unless its payer has an
-- account with us, as invoice_ask() has it. The events to tell; NULL where it was
-- settled before. What nothing pays is owed, and so is what a held card does not
-- pay after all.
create function billing.invoice_settle(invoice uuid, days int, at timestamptz, correlation text) returns jsonb
language plpgsql
set search_path = '' as $$
declare
    owed   billing.invoice;
    payer  billing.payer;
    held   numeric;
    now_by numeric := 0;                    -- paid with this commit
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
    held := billing.hold_capture(owed.subject_id, owed.id, owed.total - owed.paid - owed.credited, at, correlation);
    if held > 0 then
        now_by := billing.hold_paid(owed.subject_id);
    end if;
    if payer.terms = 'PREPAID' then
        now_by := now_by + billing.invoice_ask(owed, owed.total - owed.paid - owed.credited - held, at, correlation);
    end if;
    return billing.invoice_paid(owed.id, now_by, at);
end
$$;
