-- Vehicles. Plates are personal data: they stand here and in no event.
create table accounts.vehicle (
    id              uuid        not null,
    customer_id     text        not null,
    company_id      text,                 -- the fleet that it runs in
    plate           text        not null,
    plate_key       text        generated always as (upper(regexp_replace(plate, '[ -]', '', 'g'))) stored,
    vin             text,                 -- ISO 3779
    make            text,
    model           text,
    color           text,
    odometer_km     numeric,
    battery_kwh     numeric,              -- usable
    connector_types jsonb       not null default '[]',
    kind            text        not null default 'CAR',
    fuel            text        not null default 'EV',
    version         int         not null default 1,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    constraint vehicle_pkey primary key (id),
    constraint vehicle_customer foreign key (customer_id) references accounts.customer (id),
    constraint plate_taken unique (customer_id, plate_key),
    constraint vehicle_vin check (vin ~ '^[A-HJ-NPR-Z0-9]{17}$'),
    constraint vehicle_kind check (kind in ('CAR', 'VAN', 'TRUCK', 'MOTORCYCLE', 'BUS')),
    constraint vehicle_fuel check (fuel in ('EV', 'ICE', 'HYBRID'))
);
create index vehicle_company on accounts.vehicle (company_id, id);


create function accounts.vehicle_body(v accounts.vehicle) returns json
language sql stable
return json_build_object(
    'id', v.id,
    'customerId', v.customer_id,
    'companyId', v.company_id,
    'plate', v.plate,
    'vin', v.vin,
    'make', v.make,
    'model', v.model,
    'color', v.color,
    'odometerKm', v.odometer_km,
    'batteryKwh', v.battery_kwh,
    'connectorTypes', v.connector_types,
    'kind', v.kind,
    'fuel', v.fuel,
    'version', v.version,
    'createdAt', vg.z(v.created_at),
    'updatedAt', vg.z(v.updated_at));

-- vehicle_event(…): operator is the company of its customer, by which other
-- plugins know who may name it.
create function accounts.vehicle_event(v accounts.vehicle, operator text, type text) returns jsonb
language sql stable
return jsonb_build_object(
    'type', type,
    'aggregateId', v.id,
    'payload', jsonb_build_object(
        'vehicleId', v.id,
        'customerId', v.customer_id,
        'operatorId', operator,
        'companyId', v.company_id,
        'version', v.version));

-- vehicle_claimed(…): whether the caller may say in which fleet it runs: the
-- fleet that has it, or that it goes to, itself.
create function accounts.vehicle_claimed(
    was text, becomes text, caller_role text, caller_company text) returns boolean
language sql immutable
return caller_role = 'admin'
    or was is not distinct from becomes
    or caller_company <> ''
        and coalesce(was, caller_company) = caller_company
        and coalesce(becomes, caller_company) = caller_company;

create view accounts.vehicle_json as
select
    v.id,
    v.customer_id,
    c.company_id as operator_id,
    v.company_id,
    c.status as customer_status,
    v as row,
    accounts.vehicle_body(v) as body
from accounts.vehicle as v
join accounts.customer as c on c.id = v.customer_id;
