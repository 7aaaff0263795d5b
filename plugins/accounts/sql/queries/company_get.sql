-- in: id
-- out: the company
select c.body
from accounts.company_json as c
where c.id = :id
    and accounts.company_owned(c.row, :callerRole, :callerCompany);
