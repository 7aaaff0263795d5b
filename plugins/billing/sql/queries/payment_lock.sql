-- in: paymentId
-- The payer: whoever moves its money waits, as this waits for them.
select p.id
from billing.payer p
where p.id = (
    select i.payer
    from billing.intent i
    where i.id = :paymentId)
for update;
