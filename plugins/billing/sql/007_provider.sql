-- What providers know and tell: the methods that stand with them.

-- method_default(payer, method, wanted): whether it is now what the payer pays
-- with. wanted: YES; NO; FIRST, if it has none; AS_IS.
create function billing.method_default(payer text, method uuid, wanted text) returns boolean
language plpgsql
set search_path = '' as $$
begin
    update billing.payer as p
    set method_id = case when wanted <> 'NO' then method end,
        version = p.version + 1
    where p.id = payer
        and case wanted
            when 'YES' then p.method_id is distinct from method
            when 'NO' then p.method_id = method
            when 'FIRST' then p.method_id is null
        end;
    return exists (
        select
        from billing.payer as p
        where p.id = payer
            and p.method_id = method);
end
$$;

create function billing.method_body(m billing.method, kind text, is_default boolean) returns json
language sql stable parallel safe
return json_build_object(
    'id', m.id,
    'customerId', case when kind = 'CUSTOMER' then m.payer end,
    'companyId', case when kind = 'COMPANY' then m.payer end,
    'operatorId', m.operator_id,
    'provider', m.provider,
    'brand', m.brand,
    'last4', m.last4,
    'expires', m.expires,
    'default', is_default,
    'createdAt', vg.z(m.created_at),
    'version', m.version);

-- the token is shown to nobody: who asks for money has no need of it
create view billing.method_json as
select m.id,
    m.payer,
    p.kind,
    case when p.kind = 'CUSTOMER' then m.payer end as customer_id,
    case when p.kind = 'COMPANY' then m.payer end as company_id,
    m.operator_id,
    m as row,
    p.method_id is not distinct from m.id as is_default,
    billing.method_body(m, p.kind, p.method_id is not distinct from m.id) as body
from billing.method m
join billing.payer p on p.id = m.payer
where m.removed_at is null;


-- What providers have told by themselves, each event once: by its id, and by
-- its bytes, since an id may stand beside what is signed.
create table billing.webhook (
    id          uuid        not null,
    provider    text        not null,
    event       text        not null,
    digest      text        not null,
    type        text        not null,
    ref         text,                       -- the provider's payment
    intent_id   uuid,                       -- NULL: none of ours, so far
    received_at timestamptz not null,
    constraint webhook_pkey primary key (id),
    constraint webhook_event unique (provider, event),
    constraint webhook_digest unique (provider, digest)
);
create index webhook_age on billing.webhook (received_at);
create index webhook_unknown on billing.webhook (received_at) where intent_id is null;
