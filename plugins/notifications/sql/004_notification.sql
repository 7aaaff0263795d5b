-- What somebody is told, by one channel. To a user, a company, or, where both
-- are null, to the house.
create table notifications.notification (
    id         uuid        not null,
    rule_id    uuid,
    event_type text,
    user_id    text,
    company_id text,
    channel    text        not null,
    priority   text        not null,
    template   text        not null,
    data       jsonb       not null,   -- what the template is filled with
    dedup_key  text        not null,   -- what is the same is said once
    status     text        not null,
    reason     text,                   -- of the last try that failed
    due_at     timestamptz,            -- HELD, BATCHED: not before
    tries      int         not null default 0,
    subject    text,                   -- as it was said; IN_APP
    body       text,
    sent_at    timestamptz,
    read_at    timestamptz,
    version    int         not null default 1,
    created_at timestamptz not null,
    constraint notification_pkey primary key (id),
    constraint notification_once unique (dedup_key),
    constraint notification_channel check (channel in ('EMAIL', 'SMS', 'PUSH', 'IN_APP')),
    constraint notification_priority check (priority in ('LOW', 'NORMAL', 'HIGH', 'CRITICAL')),
    constraint notification_status check (status in ('QUEUED', 'HELD', 'BATCHED', 'SENT', 'FAILED', 'MUTED'))
);
create index notification_user on notifications.notification (user_id, id);
create index notification_company on notifications.notification (company_id, id);
create index notification_batched on notifications.notification (due_at) where status = 'BATCHED';
create index notification_age on notifications.notification (created_at);

-- visible(…): one's own, one's company's; an admin's all.
create function notifications.visible(n notifications.notification, caller_role text, caller_id text, caller_company text)
returns boolean
language sql stable
return caller_role = 'admin'
    or caller_role in ('driver', 'operator', 'fleet_manager')
        and n.user_id = caller_id
    or n.user_id is null
        and notifications.owned(n.company_id, caller_role, caller_company);

-- Each try to tell it, in the order of tries: the delivery log.
create table notifications.attempt (
    id      uuid        not null,
    of_id   uuid        not null,   -- of a notification, or of a webhook's delivery
    at      timestamptz not null,
    outcome text        not null,   -- SENT, or why not
    detail  jsonb,
    constraint attempt_pkey primary key (id)
);
create index attempt_of on notifications.attempt (of_id, id);

create function notifications.attempts(of_what uuid) returns json
language plpgsql stable as $$
begin
    return (
        select coalesce(json_agg(json_build_object('at', vg.z(a.at), 'outcome', a.outcome, 'detail', a.detail) order by a.id), '[]')
        from notifications.attempt as a
        where a.of_id = of_what);
end
$$;

create function notifications.notification_body(n notifications.notification) returns json
language sql stable
return json_build_object(
    'id', n.id,
    'ruleId', n.rule_id,
    'eventType', n.event_type,
    'userId', n.user_id,
    'companyId', n.company_id,
    'channel', n.channel,
    'priority', n.priority,
    'template', n.template,
    'subject', n.subject,
    'body', n.body,
    'status', n.status,
    'reason', n.reason,
    'dueAt', vg.z(n.due_at),
    'sentAt', vg.z(n.sent_at),
    'read', n.read_at is not null,
    'readAt', vg.z(n.read_at),
    'version', n.version,
    'createdAt', vg.z(n.created_at));

create view notifications.notification_json as
select
    n.id,
    n as row,
    notifications.notification_body(n) as body
from notifications.notification as n;


-- later(kind, key, payload, moment, correlation): a job. A statement that calls
-- what calls it names vg.job, so that the bell rings.
create function notifications.later(kind text, key text, payload jsonb, moment timestamptz, correlation text) returns void
language sql
begin atomic
    insert into vg.job (plugin, kind, key, payload, next_at, correlation_id)
    values ('notifications', kind, key, payload, coalesce(moment, now()), correlation)
    on conflict do nothing;
end;

-- notify(draft, key, rule, event, moment, correlation): a notification, and the
-- job that sends it, when and if its receiver wants it; null: it was said already.
--
-- draft is {userId | companyId, channel, priority, template, data}. Nothing is
-- held back of what is CRITICAL, and IN_APP disturbs nobody. A mail that can
-- wait is written with others where its receiver wants that.
create function notifications.notify(
    draft jsonb, once text, rule uuid, event text, moment timestamptz, correlation text) returns uuid
language plpgsql as $$
declare
    made    uuid := vg.uuid7();
    wanted  notifications.preference;
    state   text := 'QUEUED';
    due     timestamptz;
    urgent  boolean := draft ->> 'priority' = 'CRITICAL' or draft ->> 'channel' = 'IN_APP';
begin
    select p.* into wanted
    from notifications.preference as p
    where p.user_id = draft ->> 'userId';

    if wanted.muted ? (draft ->> 'channel') then
        state := 'MUTED';
    elsif not urgent and wanted.batch_minutes > 0 and draft ->> 'channel' = 'EMAIL'
        and draft ->> 'priority' in ('LOW', 'NORMAL')
    then
        state := 'BATCHED';
        due := date_bin(make_interval(mins => wanted.batch_minutes), moment, timestamptz '1970-01-01 00:00:00Z')
            + make_interval(mins => wanted.batch_minutes);
        due := coalesce(notifications.quiet_until(wanted, due), due);
    elsif not urgent then
        due := notifications.quiet_until(wanted, moment);
        state := case when due is null then 'QUEUED' else 'HELD' end;
    end if;

    insert into notifications.notification (
        id, rule_id, event_type, user_id, company_id, channel, priority, template, data, dedup_key, status, due_at, created_at)
    values (
        made, rule, event, draft ->> 'userId', draft ->> 'companyId', draft ->> 'channel', draft ->> 'priority',
        draft ->> 'template', draft -> 'data', once, state, due, moment)
    on conflict on constraint notification_once do nothing;
    if not found then
        return null;
    end if;

    if state = 'BATCHED' then
        perform notifications.later('notification.batch', 'batch/' || (draft ->> 'userId') || '/' || extract(epoch from due)::bigint,
            jsonb_build_object('userId', draft ->> 'userId'), due, correlation);
    elsif state <> 'MUTED' then
        perform notifications.later('notification.send', 'send/' || made, jsonb_build_object('notificationId', made), due, correlation);
    end if;
    return made;
end
$$;

-- said(data, zone): what a template is filled with: each member as the digits
-- and letters that it has in the event, so that money is not touched; a time
-- also by the receiver's wall clock, as <name>Local.
create function notifications.said(data jsonb, zone text) returns jsonb
language plpgsql stable as $$
begin
    return (
        select coalesce(jsonb_object_agg(m.key, m.value) || coalesce(jsonb_object_agg(m.key || 'Local', to_char(
                case when m.value ~ '^\d{4}-\d\d-\d\dT[0-9:.]+Z$' then m.value::timestamptz end
                    at time zone coalesce(zone, 'UTC'), 'YYYY-MM-DD HH24:MI'))
                filter (where m.value ~ '^\d{4}-\d\d-\d\dT[0-9:.]+Z$'), '{}'), '{}')
        from jsonb_each_text(data) as m
        where m.value is not null);
end
$$;

-- again_at(tries, moment): when a try is made after so many that failed: 10 s,
-- doubling to an hour, with jitter; null: no more.
create function notifications.again_at(tries int, most int, moment timestamptz) returns timestamptz
language sql volatile
return case
    when tries < most
    then moment + (0.5 + random() / 2) * least(interval '1 hour', interval '10 seconds' * power(2, tries - 1))
end;
