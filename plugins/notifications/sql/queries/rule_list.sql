-- in: eventType
-- out: the rules that the caller sees, oldest first
select r.body, r.id::text as cursor
from notifications.rule_json as r
where (:cursor is null or r.id > vg.cursor_id(:cursor))
    and (:eventType is null or (r.row).event_type = :eventType)
    and notifications.owned((r.row).company_id, :callerRole, :callerCompany)
order by r.id
limit :limit;
