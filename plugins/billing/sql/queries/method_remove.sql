-- in: id
-- out: empty; it is kept for the payments that are under way
-- refuses: not_found, precondition_failed
--
-- What it paid by default is paid by none until the payer names another: which
-- of its cards is charged is its own to say.
with target as (
    select m.id,
        (m.row).version as version
    from billing.method_json m
    where m.id = :id
        and vg.visible(:callerRole, :callerId, :callerCompany, m.customer_id, m.operator_id, m.company_id)
), removed as (
    update billing.method as m
    set removed_at = :now,
        version = m.version + 1
    from target t
    where m.id = t.id
        and m.removed_at is null
        and (:ifMatch is null or m.version = any (:ifMatch))
    returning m.id, m.payer, m.version
), undone as materialized (
    select billing.method_default(r.payer, r.id, 'NO') as is_default
    from removed r
), answer (status, body, events) as (
    select case
            when u.is_default is not null then 'empty'
            when t.id is not null and :ifMatch is not null then 'precondition_failed'
            else 'not_found'
        end,
        null::json,
        null::jsonb
    from (select) as one
    left join target t on true
    left join undone u on true
)
select * from answer;
