-- in: customerId, status
-- out: the tags that the caller may see, by tag
select j.body,
    j.tag_key as cursor
from charging.id_tag_json j
join charging.id_tag t on t.tag_key = j.tag_key
where charging.tag_visible(:callerRole, :callerId, :callerCompany, t.customer_id, t.company_id)
    and (:customerId is null or t.customer_id = :customerId)
    and (:status is null or t.status = :status)
    and (:cursor is null or t.tag_key > :cursor)
order by t.tag_key
limit :limit;
