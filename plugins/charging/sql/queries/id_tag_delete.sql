-- in: idTag
-- out: empty
-- refuses: not_found
with gone as (
    delete from charging.id_tag t
    where t.tag_key = lower(:idTag)
        and :callerRole <> 'driver'
        and charging.tag_visible(:callerRole, :callerId, :callerCompany, t.customer_id, t.company_id)
    returning t.tag_key
), answer (status, body, events) as (
    select case when exists (select from gone) then 'empty' else 'not_found' end,
        null::json,
        null::jsonb
)
select * from answer;
