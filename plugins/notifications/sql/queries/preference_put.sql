-- in: id, muted, quietFrom, quietTo, timeZone, locale, batchMinutes, pushTokens
-- out: ok (created, the first time), how that user wants to be told
-- refuses: not_found, precondition_failed, time_zone_unknown
with may as (
    select :timeZone is null or notifications.zone_known(:timeZone) as zone
    where :callerRole = 'admin'
        or :callerRole in ('driver', 'operator', 'fleet_manager')
            and :id = :callerId
), written as (
    insert into notifications.preference as p (
        user_id, muted, quiet_from, quiet_to, time_zone, locale, batch_minutes, push_tokens, updated_at)
    select
        :id, coalesce(:muted, '[]'), :quietFrom::text::time, :quietTo::text::time, :timeZone, :locale,
        coalesce(:batchMinutes, 0), coalesce(:pushTokens, '[]'), :now
    from may as m
    where m.zone
        and (:ifMatch is null
            or exists (
                select
                from notifications.preference as o
                where o.user_id = :id))
    on conflict on constraint preference_pkey do update
    set muted = excluded.muted,
        quiet_from = excluded.quiet_from,
        quiet_to = excluded.quiet_to,
        time_zone = excluded.time_zone,
        locale = excluded.locale,
        batch_minutes = excluded.batch_minutes,
        push_tokens = excluded.push_tokens,
        version = p.version + 1,
        updated_at = excluded.updated_at
    where :ifMatch is null or p.version = any (:ifMatch)
    returning p as row
), answer (status, body, events) as (
    select case when (w.row).version = 1 then 'created' else 'ok' end, notifications.preference_body(:id, w.row), null::jsonb
    from written as w
    union all
    select
        case
            when not exists (select from may) then 'not_found'
            when not (select m.zone from may as m) then 'time_zone_unknown'
            else 'precondition_failed'
        end, null, null
    where not exists (select from written)
)
select * from answer;
