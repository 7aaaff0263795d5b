-- What somebody has to look after, until somebody says that it is over. A rule
-- opens one for each key, and not another while that is open.
create table notifications.incident (
    id          uuid        not null,
    rule_id     uuid        not null,
    key         text        not null,
    company_id  text,                  -- whose it is; null: the house's
    title       text        not null,
    severity    text        not null,
    status      text        not null,
    n           int         not null default 1,   -- how often it came about
    level       int         not null default 0,   -- how often it was escalated
    escalation  jsonb,                 -- seconds, levels, drafts; null: none
    data        jsonb       not null,
    opened_at   timestamptz not null,
    last_at     timestamptz not null,
    acked_by    text,
    acked_at    timestamptz,
    resolved_by text,
    resolved_at timestamptz,
    version     int         not null default 1,
    constraint incident_pkey primary key (id),
    constraint incident_severity check (severity in ('LOW', 'NORMAL', 'HIGH', 'CRITICAL')),
    constraint incident_status check (status in ('OPEN', 'ACKNOWLEDGED', 'RESOLVED'))
);
create unique index incident_open on notifications.incident (rule_id, key) where status <> 'RESOLVED';
create index incident_company on notifications.incident (company_id, id);
create index incident_age on notifications.incident (resolved_at) where status = 'RESOLVED';

create function notifications.incident_body(i notifications.incident) returns json
language sql stable
return json_build_object(
    'id', i.id,
    'ruleId', i.rule_id,
    'key', i.key,
    'companyId', i.company_id,
    'title', i.title,
    'severity', i.severity,
    'status', i.status,
    'count', i.n,
    'level', i.level,
    'openedAt', vg.z(i.opened_at),
    'lastAt', vg.z(i.last_at),
    'ackedBy', i.acked_by,
    'ackedAt', vg.z(i.acked_at),
    'resolvedBy', i.resolved_by,
    'resolvedAt', vg.z(i.resolved_at),
    'version', i.version);

create view notifications.incident_json as
select
    i.id,
    i as row,
    notifications.incident_body(i) as body
from notifications.incident as i;

-- opened(wanted, rule, moment, correlation): an incident, or once more of one
-- that is open. wanted is {key, companyId, title, severity, escalation, data}.
create function notifications.opened(wanted jsonb, rule uuid, moment timestamptz, correlation text) returns void
language plpgsql as $$
declare
    made  uuid := vg.uuid7();
    fresh boolean;
begin
    insert into notifications.incident as i (
        id, rule_id, key, company_id, title, severity, status, escalation, data, opened_at, last_at)
    values (
        made, rule, wanted ->> 'key', wanted ->> 'companyId', wanted ->> 'title', wanted ->> 'severity', 'OPEN',
        wanted -> 'escalation', wanted -> 'data', moment, moment)
    on conflict (rule_id, key) where status <> 'RESOLVED' do update
    set n = i.n + 1,
        last_at = excluded.last_at,
        version = i.version + 1
    returning i.id = made into fresh;

    if fresh and wanted -> 'escalation' is not null then
        perform notifications.later('incident.escalate', made || '/1', jsonb_build_object('incidentId', made, 'level', 1),
            moment + make_interval(secs => (wanted #>> '{escalation,seconds}')::int), correlation);
    end if;
end
$$;

-- escalated(incident, level, moment, correlation): who is told that nobody has
-- acknowledged it, and the next time, if there is one.
create function notifications.escalated(of_incident uuid, to_level bigint, moment timestamptz, correlation text) returns void
language plpgsql as $$
declare
    i     notifications.incident;
    draft jsonb;
    nth   int := 0;
begin
    update notifications.incident as o
    set level = to_level,
        version = o.version + 1
    where o.id = of_incident
        and o.status = 'OPEN'
        and o.level = to_level - 1
    returning o.* into i;
    if not found then
        return;
    end if;
    for draft in select d.value from jsonb_array_elements(i.escalation -> 'drafts') as d loop
        nth := nth + 1;
        perform notifications.notify(draft || jsonb_build_object('data', i.data || jsonb_build_object(
                'title', i.title, 'severity', i.severity, 'level', to_level, 'openedAt', vg.z(i.opened_at))),
            'incident/' || i.id || '/' || to_level || '/' || nth, i.rule_id, null, moment, correlation);
    end loop;
    if to_level < (i.escalation ->> 'levels')::int then
        perform notifications.later('incident.escalate', i.id || '/' || to_level + 1,
            jsonb_build_object('incidentId', i.id, 'level', to_level + 1),
            moment + make_interval(secs => (i.escalation ->> 'seconds')::int), correlation);
    end if;
end
$$;
