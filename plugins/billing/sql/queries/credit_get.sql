-- in: customerId, companyId (NULL both: the caller's own)
-- out: balances by currency; none for who has never paid
select json_build_object(
    'customerId', a.customer,
    'companyId', a.company,
    'lowMark', p.low_mark,
    'balances', billing.credit_balances(billing.payer_of(a.customer, a.company))) as body
from billing.payer_asked(:callerRole, :callerId, :callerCompany, :customerId, :companyId) a
left join billing.payer p on p.id = billing.payer_of(a.customer, a.company);
