-- in: subscriptionId
-- out: {paid, failure}, once that is known; no row before
-- Nobody is asked any more, and it is not paid: then it will not be.
select json_build_object(
    'paid', s.invoice_id is null or i.total <= i.paid + i.credited,
    'failure', case
        when s.status <> 'PENDING' then 'subscription_over'
        when exists (select from billing.intent t where t.subject = s.invoice_id and t.purpose = 'INVOICE')
            then 'payment_declined'
        else 'payment_required'
    end) as body
from billing.subscription s
left join billing.invoice i on i.id = s.invoice_id
where s.id = :subscriptionId
    and (s.status <> 'PENDING'
        or s.invoice_id is null
        or i.total <= i.paid + i.credited
        or i.due_at is not null and billing.invoice_asked(s.invoice_id) = 0);
