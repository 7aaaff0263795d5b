-- RFID and app tags that may charge: what Authorize and StartTransaction go
-- by. OCPP compares them without regard to case. One-time tags of sessions
-- that the API started are not here: they live in their session.

create table charging.id_tag (
    id_tag        text        not null,
    tag_key       text        generated always as (lower(id_tag)) stored,
    customer_id   text,
    vehicle_id    uuid,
    company_id    text,                     -- who keeps the tag: fleet, operator, partner
    status        text        not null default 'Accepted',
    expires_at    timestamptz,
    parent_id_tag text,
    created_at    timestamptz not null,
    updated_at    timestamptz not null,
    version       int         not null default 1,
    constraint id_tag_taken primary key (tag_key),
    constraint id_tag_length check (length(id_tag) between 1 and 20),
    constraint id_tag_status check (status in ('Accepted', 'Blocked'))
);
create index id_tag_company on charging.id_tag (company_id, tag_key);
create index id_tag_customer on charging.id_tag (customer_id, tag_key);

-- tag_status(…): OCPP's AuthorizationStatus; an unknown tag has status NULL.
create function charging.tag_status(status text, expires_at timestamptz, moment timestamptz) returns text
language sql immutable parallel safe
return case
    when status is null then 'Invalid'
    when status = 'Accepted' and expires_at <= moment then 'Expired'
    else status
end;

-- tag_visible(…): a tag is its customer's and its keeper's.
create function charging.tag_visible(role text, caller text, company text,
    customer_id text, company_id text) returns boolean
language sql immutable parallel safe
return vg.visible(role, caller, company, customer_id, company_id, company_id);

-- id_tag_body(row): a tag as clients see it, also one that was just made.
create function charging.id_tag_body(t charging.id_tag) returns json
language sql stable parallel safe
return json_build_object(
    'idTag', t.id_tag,
    'customerId', t.customer_id,
    'vehicleId', t.vehicle_id,
    'companyId', t.company_id,
    'status', t.status,
    'expiresAt', vg.z(t.expires_at),
    'parentIdTag', t.parent_id_tag,
    'createdAt', vg.z(t.created_at),
    'updatedAt', vg.z(t.updated_at),
    'version', t.version
);

-- id_tag_event(row, type): the event of that type about a tag.
create function charging.id_tag_event(t charging.id_tag, type text) returns jsonb
language sql stable parallel safe
return jsonb_build_object(
    'type', type,
    'aggregateId', t.tag_key,
    'payload', jsonb_build_object(
        'idTag', t.id_tag,
        'customerId', t.customer_id,
        'vehicleId', t.vehicle_id,
        'companyId', t.company_id,
        'status', t.status,
        'expiresAt', vg.z(t.expires_at)));

create view charging.id_tag_json as
select t.tag_key,
    t.customer_id,
    t.company_id,
    t.version,
    charging.id_tag_body(t) as body
from charging.id_tag t;
