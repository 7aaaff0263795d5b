-- in: id, lowMark
-- out: ok, how it pays
-- refuses: not_found, precondition_failed
with target as (
    select j.id
    from billing.payer_json j
    where j.id = :id
        and vg.visible(:callerRole, :callerId, :callerCompany, j.customer_id, null, j.company_id)
), changed as (
    update billing.payer as p
    set low_mark = coalesce(:lowMark, p.low_mark),
        version = p.version + 1
    from target t
    where p.id = t.id
        and (:ifMatch is null or p.version = any (:ifMatch))
    returning p as row
), answer (status, body, events) as (
    select 'ok', billing.payer_body(c.row), null::jsonb
    from changed c
    union all
    select case when exists (select from target) then 'precondition_failed' else 'not_found' end,
        null,
        null
    where not exists (select from changed)
)
select * from answer;
