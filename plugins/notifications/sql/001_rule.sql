-- Rules: what follows from an event, as data. Conditions are lua/voltgate/rule.lua's.
create table notifications.rule (
    id         uuid        not null,
    name       text        not null,
    company_id text,                    -- whose events it sees; null: the house's
    event_type text        not null,
    condition  jsonb       not null,
    span       jsonb,                   -- a window: seconds, count, by, lateness
    actions    jsonb       not null,
    enabled    boolean     not null default true,
    version    int         not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint rule_pkey primary key (id)
);
create index rule_of on notifications.rule (event_type) where enabled;
create index rule_company on notifications.rule (company_id, id);

-- owned(…): an admin's all, an operator's or a fleet manager's own. Of what is
-- the house's (null) they see nothing.
create function notifications.owned(company text, caller_role text, caller_company text) returns boolean
language sql stable
return caller_role = 'admin'
    or caller_role in ('operator', 'fleet_manager')
        and caller_company <> ''
        and company = caller_company;

create function notifications.rule_body(r notifications.rule) returns json
language sql stable
return json_build_object(
    'id', r.id,
    'name', r.name,
    'companyId', r.company_id,
    'eventType', r.event_type,
    'condition', r.condition,
    'window', r.span,
    'actions', r.actions,
    'enabled', r.enabled,
    'version', r.version,
    'createdAt', vg.z(r.created_at),
    'updatedAt', vg.z(r.updated_at));

create view notifications.rule_json as
select
    r.id,
    r as row,
    notifications.rule_body(r) as body
from notifications.rule as r;


-- How often it came about within each window of event time.
create table notifications.span (
    rule_id uuid        not null,
    key     text        not null,   -- of whom: the value of the window's field
    begins  timestamptz not null,
    n       int         not null,
    last_at timestamptz not null,   -- the latest event in it
    constraint span_pkey primary key (rule_id, key, begins),
    constraint span_rule foreign key (rule_id) references notifications.rule (id) on delete cascade
);
create index span_age on notifications.span (last_at);

-- counted(rule, key, span, moment): counts an event into its window; when that
-- begins, if this is the event that fills it, else null. Windows are cut by
-- event time, since the epoch in UTC. How far time is, the latest event of the
-- same key says: what comes later than that and the allowed lateness is not
-- counted, since its window is closed.
create function notifications.counted(rule uuid, of_key text, span jsonb, moment timestamptz) returns timestamptz
language plpgsql as $$
declare
    width  interval := pg_catalog.make_interval(secs => (span ->> 'seconds')::int);
    late   interval := pg_catalog.make_interval(secs => coalesce((span ->> 'lateness')::int, 3600));
    start  timestamptz := pg_catalog.date_bin(width, moment, timestamptz '1970-01-01 00:00:00Z');
    seen   timestamptz;
    so_far int;
begin
    select max(s.last_at) into seen
    from notifications.span as s
    where s.rule_id = rule and s.key = of_key;

    if seen >= start + width + late then
        return null;
    end if;
    insert into notifications.span as s (rule_id, key, begins, n, last_at)
    values (rule, of_key, start, 1, moment)
    on conflict on constraint span_pkey do update
    set n = s.n + 1,
        last_at = greatest(s.last_at, excluded.last_at)
    returning s.n into so_far;
    return case when so_far = (span ->> 'count')::int then start end;
end
$$;
