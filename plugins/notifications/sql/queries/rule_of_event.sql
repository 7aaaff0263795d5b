-- in: type, companies (whose the event is)
-- out: the rules that look at it, those of the house and of these
select json_build_object(
    'id', r.id,
    'name', r.name,
    'companyId', r.company_id,
    'condition', r.condition,
    'window', r.span,
    'actions', r.actions) as body
from notifications.rule as r
where r.event_type = :type
    and r.enabled
    and (r.company_id is null or :companies ? r.company_id)
order by r.id;
