-- in: idTag
-- out: OCPP's Authorize.conf
-- A kept tag by its state; a session's one-time tag at its charge point until
-- its deadline.
with tag as (
    select t.status,
        t.expires_at,
        t.parent_id_tag
    from charging.id_tag t
    where t.tag_key = lower(:idTag)
), once as (
    select s.deadline
    from charging.session s
    where lower(s.id_tag) = lower(:idTag)
        and s.one_time_tag
        and s.charge_point_id = :chargePoint
        and s.status in ('PENDING', 'STARTING')
        and s.deadline > :now
    limit 1
)
select json_build_object('idTagInfo', json_strip_nulls(json_build_object(
        'status', case
            when o.deadline is not null then 'Accepted'
            else charging.tag_status(t.status, t.expires_at, :now)
        end,
        'expiryDate', vg.z(coalesce(o.deadline, t.expires_at)),
        'parentIdTag', t.parent_id_tag))) as body
from (select) one
left join tag t on true
left join once o on true;
