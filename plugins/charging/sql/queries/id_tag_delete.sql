-- in: idTag
-- out: empty; event id_tag.removed.v1
-- refuses: not_found, precondition_failed
with gone as (
    delete from charging.id_tag t
    where t.tag_key = lower(:idTag)
        and :callerRole <> 'driver'
        and charging.tag_visible(:callerRole, :callerId, :callerCompany, t.customer_id, t.company_id)
        and (:ifMatch is null or t.version = any (:ifMatch))
    returning charging.id_tag_event(t, 'id_tag.removed.v1') as event,
        t.company_id
), listed as (
    select charging.local_list_touch(g.company_id, :now) as lists
    from gone g
), answer (status, body, events) as (
    select case
            when exists (select from gone) then 'empty'
            when exists (
                select
                from charging.id_tag as t
                where t.tag_key = lower(:idTag)
                    and :ifMatch is not null
                    and :callerRole <> 'driver'
                    and charging.tag_visible(:callerRole, :callerId, :callerCompany, t.customer_id, t.company_id)) then 'precondition_failed'
            else 'not_found'
        end,
        null::json,
        (select jsonb_agg(g.event) from gone g)
    from (select) one
    left join listed l on true
)
select * from answer;
