-- in: id, read
-- out: ok, the notification, with each try
-- refuses: not_found, precondition_failed
with changed as (
    update notifications.notification as n
    set read_at = case when :read then coalesce(n.read_at, :now) when :read is null then n.read_at end,
        version = n.version + 1
    where n.id = :id
        and notifications.visible(n, :callerRole, :callerId, :callerCompany)
        and (:ifMatch is null or n.version = any (:ifMatch))
    returning n as row
), answer (status, body, events) as (
    select 'ok', (notifications.notification_body(c.row)::jsonb || jsonb_build_object('attempts', notifications.attempts((c.row).id)))::json,
        null::jsonb
    from changed as c
    union all
    select
        case
            when exists (
                select
                from notifications.notification_json as n
                where n.id = :id
                    and notifications.visible(n.row, :callerRole, :callerId, :callerCompany)) then 'precondition_failed'
            else 'not_found'
        end, null, null
    where not exists (select from changed)
)
select * from answer;
