-- in: idTag
-- out: the tag
select t.body
from charging.id_tag_json t
where t.tag_key = lower(:idTag)
    and charging.tag_visible(:callerRole, :callerId, :callerCompany, t.customer_id, t.company_id);
