-- in: customerId, held
-- out: {payable}: false when there is neither credit nor a card, nor anything
-- held already; how much there is, is not asked here
select json_build_object('payable', not :held
    or exists (
        select
        from billing.account a
        where a.owner = :customerId
            and a.kind in ('CREDIT', 'HELD')
            and a.balance > 0)
    or exists (
        select
        from billing.payer p
        join billing.method m on m.id = p.method_id
        where p.id = :customerId
            and m.removed_at is null)) as body;
