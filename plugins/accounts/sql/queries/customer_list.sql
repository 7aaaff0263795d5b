-- in: companyId
-- out: the customers that the caller sees, by id
select c.body, c.id as cursor
from accounts.customer_json as c
where (:cursor is null or c.id > :cursor)
    and (:companyId is null or (c.row).company_id = :companyId)
    and accounts.customer_visible(c.row, :callerId, :callerRole, :callerCompany)
order by c.id
limit :limit;
