-- in: invoiceId
-- The invoice's payer: of two payments of one invoice the second sees the first.
select p.id
from billing.payer p
where p.id = (
    select billing.payer_of(i.customer_id, i.company_id)
    from billing.invoice i
    where i.id = :invoiceId)
for update;
