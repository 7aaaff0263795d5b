-- in: customerId, companyId (NULL both: the caller's own), currency
-- out: movements of credit, newest first
select m.body,
    m.transfer_id || '-' || m.account_id as cursor
from billing.payer_asked(:callerRole, :callerId, :callerCompany, :customerId, :companyId) w
join billing.account a on a.owner = billing.payer_of(w.customer, w.company)
    and a.kind in ('CREDIT', 'HELD')
    and (:currency is null or a.currency = :currency)
cross join lateral (
    select c.transfer_id, c.account_id, c.body
    from billing.credit_movement c
    where c.account_id = a.id
        and (:cursor is null or (c.transfer_id, c.account_id) < billing.credit_cursor(:cursor))
    order by c.transfer_id desc
    limit :limit) m
order by m.transfer_id desc, m.account_id desc
limit :limit;
