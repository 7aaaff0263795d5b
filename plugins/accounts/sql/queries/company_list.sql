-- in: kind
-- out: the companies that the caller sees, oldest first
select c.body, c.id::text as cursor
from accounts.company_json as c
where (:cursor is null or c.id > vg.cursor_id(:cursor))
    and (:kind is null or (c.row).kind = :kind)
    and accounts.company_owned(c.row, :callerRole, :callerCompany)
order by c.id
limit :limit;
