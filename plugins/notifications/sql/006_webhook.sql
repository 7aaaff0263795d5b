-- Events that are told to others' servers.
create table notifications.webhook (
    id         uuid        not null,
    company_id text,                 -- whose events; null: all
    url        text        not null,
    types      jsonb       not null, -- event types; empty: all that there are
    secret     text        not null, -- signs; shown once
    enabled    boolean     not null default true,
    version    int         not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint webhook_pkey primary key (id)
);
create index webhook_company on notifications.webhook (company_id, id);

create function notifications.webhook_body(w notifications.webhook) returns json
language sql stable
return json_build_object(
    'id', w.id,
    'companyId', w.company_id,
    'url', w.url,
    'eventTypes', w.types,
    'enabled', w.enabled,
    'version', w.version,
    'createdAt', vg.z(w.created_at),
    'updatedAt', vg.z(w.updated_at));

create view notifications.webhook_json as
select
    w.id,
    w as row,
    notifications.webhook_body(w) as body
from notifications.webhook as w;

-- One event to one of them. body is kept as text: it is signed as it is sent.
create table notifications.webhook_delivery (
    id         uuid        not null,
    webhook_id uuid        not null,
    event_id   uuid        not null,
    event_type text        not null,
    body       text        not null,
    status     text        not null,
    tries      int         not null default 0,
    created_at timestamptz not null,
    constraint webhook_delivery_pkey primary key (id),
    constraint webhook_delivery_once unique (webhook_id, event_id),
    constraint webhook_delivery_webhook foreign key (webhook_id) references notifications.webhook (id) on delete cascade,
    constraint webhook_delivery_status check (status in ('QUEUED', 'SENT', 'FAILED'))
);
create index webhook_delivery_age on notifications.webhook_delivery (created_at);

create function notifications.webhook_delivery_body(d notifications.webhook_delivery) returns json
language sql stable
return json_build_object(
    'id', d.id,
    'webhookId', d.webhook_id,
    'eventId', d.event_id,
    'eventType', d.event_type,
    'status', d.status,
    'tries', d.tries,
    'attempts', notifications.attempts(d.id),
    'createdAt', vg.z(d.created_at));

-- delivered(…): an event to whoever wants it and may see it.
create function notifications.delivered(
    event uuid, event_type text, aggregate text, payload jsonb, happened timestamptz, moment timestamptz, correlation text)
returns void
language plpgsql as $$
declare
    made uuid;
begin
    for made in
        insert into notifications.webhook_delivery (id, webhook_id, event_id, event_type, body, status, created_at)
        select vg.uuid7(), w.id, event, delivered.event_type, json_build_object(
            'metadata', json_build_object('eventId', event, 'type', delivered.event_type, 'timestamp', vg.z(happened),
                'aggregateId', aggregate, 'correlationId', correlation),
            'payload', payload)::text, 'QUEUED', moment
        from notifications.webhook as w
        where w.enabled
            and (w.types = '[]' or w.types ? delivered.event_type)
            and (w.company_id is null or w.company_id in (payload ->> 'operatorId', payload ->> 'companyId'))
        on conflict on constraint webhook_delivery_once do nothing
        returning id
    loop
        perform notifications.later('webhook.deliver', made::text, jsonb_build_object('deliveryId', made), null, correlation);
    end loop;
end
$$;
