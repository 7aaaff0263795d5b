-- Customers: who drives, parks and pays. One that has a user bears the user's
-- id; the others stand alone, made by the company that they are a customer of.
create table accounts.customer (
    id              text        not null,
    company_id      text,                 -- whose customer it is; null: the house's
    name            text,
    email           text,
    phone           text,
    language        text,                 -- BCP 47
    billing_address jsonb,                -- street, city, postalCode, country
    status          text        not null default 'ACTIVE',
    version         int         not null default 1,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    constraint customer_taken primary key (id),
    constraint customer_id check (length(id) between 1 and 64),
    -- ERASING: erasure was asked for; ERASED: nothing personal is left
    constraint customer_status check (status in ('ACTIVE', 'ERASING', 'ERASED')),
    constraint customer_erased check (status <> 'ERASED'
        or num_nonnulls(name, email, phone, language, billing_address) = 0)
);
create index customer_company on accounts.customer (company_id, id);


-- customer_visible(…): a customer is its own, and its company's.
create function accounts.customer_visible(
    c accounts.customer, caller_id text, caller_role text, caller_company text) returns boolean
language sql stable
return vg.visible(caller_role, caller_id, caller_company, c.id, c.company_id, c.company_id)
    and (c.status <> 'ERASED' or caller_role = 'admin');

create function accounts.customer_body(c accounts.customer) returns json
language sql stable
return json_build_object(
    'id', c.id,
    'companyId', c.company_id,
    'name', c.name,
    'email', c.email,
    'phone', c.phone,
    'language', c.language,
    'billingAddress', c.billing_address,
    'status', c.status,
    'version', c.version,
    'createdAt', vg.z(c.created_at),
    'updatedAt', vg.z(c.updated_at));

create function accounts.customer_event(c accounts.customer, type text) returns jsonb
language sql stable
return jsonb_build_object(
    'type', type,
    'aggregateId', c.id,
    'payload', jsonb_build_object(
        'customerId', c.id,
        'companyId', c.company_id,
        'status', c.status,
        'version', c.version));

create view accounts.customer_json as
select
    c.id,
    c as row,
    accounts.customer_body(c) as body
from accounts.customer as c;


-- customer_blank(…): a driver who has proved who it is is a customer before
-- there is a row: version 0, nothing known. The first change makes the row.
create function accounts.customer_blank(driver text) returns accounts.customer
language sql stable
return row(driver, null, null, null, null, null, null, 'ACTIVE', 0, null, null)::accounts.customer;

-- customer_of_user(…): the row of a user, or of a driver whom another issuer
-- vouches for; the event about it, or null when it is there.
create function accounts.customer_of_user(user_id text, user_name text, moment timestamptz) returns jsonb
language plpgsql as $$
declare
    told jsonb;
begin
    insert into accounts.customer as c (id, name, created_at, updated_at)
    values (user_id, user_name, moment, moment)
    on conflict on constraint customer_taken do nothing
    returning accounts.customer_event(c, 'customer.created.v1') into told;

    return told;
end
$$;
