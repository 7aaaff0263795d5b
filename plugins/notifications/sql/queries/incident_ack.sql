-- in: id
-- out: ok, the incident; also when it was so
-- refuses: not_found, conflict
with changed as (
    update notifications.incident as i
    set status = 'ACKNOWLEDGED',
        acked_by = :callerId,
        acked_at = :now,
        version = i.version + 1
    where i.id = :id
        and i.status = 'OPEN'
        and notifications.owned(i.company_id, :callerRole, :callerCompany)
    returning i as row
), known as (
    select i as row
    from notifications.incident as i
    where i.id = :id
        and notifications.owned(i.company_id, :callerRole, :callerCompany)
        and not exists (select from changed)
), answer (status, body, events) as (
    select 'ok', notifications.incident_body(c.row), null::jsonb
    from changed as c
    union all
    select 'ok', notifications.incident_body(k.row), null
    from known as k
    where (k.row).status = 'ACKNOWLEDGED'
    union all
    select case when exists (select from known) then 'conflict' else 'not_found' end, null, null
    where not exists (select from changed)
        and not exists (
            select
            from known as k
            where (k.row).status = 'ACKNOWLEDGED')
)
select * from answer;
