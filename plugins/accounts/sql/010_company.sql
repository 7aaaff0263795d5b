-- Companies: the tenants. Their ids are what tokens and keys say as company,
-- and what other plugins hold as operatorId, companyId and fleetId.
create table accounts.company (
    id              uuid        not null,
    kind            text        not null,
    name            text        not null,
    country         text,                 -- ISO 3166-1, where it has its seat
    vat_id          text,
    email           text,                 -- where its invoices go
    billing_address jsonb,                -- street, city, postalCode, country
    version         int         not null default 1,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    constraint company_pkey primary key (id),
    constraint company_kind check (kind in ('OPERATOR', 'FLEET'))
);


-- company_owned(…): an admin's all, an operator's or a fleet manager's own.
create function accounts.company_owned(c accounts.company, caller_role text, caller_company text) returns boolean
language sql stable
return caller_role = 'admin'
    or caller_role in ('operator', 'fleet_manager')
        and c.id::text = caller_company;

-- company_known(…): whether an admin may name it; everybody else names their
-- own, which their token vouches for.
create function accounts.company_known(company text, caller_role text) returns boolean
language plpgsql stable as $$
begin
    return company is null
        or caller_role <> 'admin'
        or exists (
            select
            from accounts.company as c
            where c.id::text = company);
end
$$;

-- address_merged(…): what a merge patch (RFC 7396) makes of an address; an
-- address that is only written has nothing before it.
create function accounts.address_merged(address jsonb, patch jsonb) returns jsonb
language sql stable
return case
    when jsonb_typeof(patch) = 'object' then jsonb_strip_nulls(coalesce(address, '{}') || patch)
end;

create function accounts.company_body(c accounts.company) returns json
language sql stable
return json_build_object(
    'id', c.id,
    'kind', c.kind,
    'name', c.name,
    'country', c.country,
    'vatId', c.vat_id,
    'email', c.email,
    'billingAddress', c.billing_address,
    'version', c.version,
    'createdAt', vg.z(c.created_at),
    'updatedAt', vg.z(c.updated_at));

create function accounts.company_event(c accounts.company, type text) returns jsonb
language sql stable
return jsonb_build_object(
    'type', type,
    'aggregateId', c.id,
    'payload', jsonb_build_object(
        'companyId', c.id,
        'kind', c.kind,
        'version', c.version));

create view accounts.company_json as
select
    c.id,
    c as row,
    accounts.company_body(c) as body
from accounts.company as c;
