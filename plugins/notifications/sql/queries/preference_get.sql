-- in: id
-- out: how that user wants to be told; who said nothing wants all
select notifications.preference_body(u.id, p) as body
from (select :id) as u (id)
left join notifications.preference as p on p.user_id = u.id
where :callerRole = 'admin'
    or :callerRole in ('driver', 'operator', 'fleet_manager')
        and u.id = :callerId;
