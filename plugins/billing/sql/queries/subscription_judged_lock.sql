-- in: invoiceId
select s.id
from billing.subscription s
where s.invoice_id = :invoiceId
for update;
