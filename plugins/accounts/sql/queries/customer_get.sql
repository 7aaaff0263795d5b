-- in: id
-- out: the customer; a driver without a row sees itself as it is: nothing known, version 0
select c.body
from accounts.customer_json as c
where c.id = :id
    and accounts.customer_visible(c.row, :callerId, :callerRole, :callerCompany)
union all
select accounts.customer_body(accounts.customer_blank(:callerId))
where :callerRole = 'driver'
    and :id = :callerId
    and not exists (
        select
        from accounts.customer as c
        where c.id = :id);
