-- in: id
-- out: what the charge point holds, of a list that was found to be the caller's
select json_build_object('idTag', e.id_tag, 'idTagInfo', e.info) as body,
    e.tag_key as cursor
from charging.local_list_entry e
where e.charge_point_id = :id
    and (:cursor is null or e.tag_key > :cursor)
order by e.tag_key
limit :limit;
