-- in: name, prefix, salt, hash, role (default partner), granted (scopes), company, expiresAt, plan, quota, networks
-- out: created, the key's row; the key itself is added by the hook
-- refuses: expiry_passed
with api_key as (
    insert into accounts.api_key as k (
        id, name, prefix, salt, hash, role, scopes, company_id, created_by, plan, quota, networks,
        expires_at, created_at)
    select
        :newId, :name, :prefix, :salt, :hash, coalesce(:role, 'partner'), :granted, :company,
        :callerId, :plan, :quota, :networks, :expiresAt, :now
    where :expiresAt is null
        or :expiresAt > :now
    returning k as row
), answer (status, body, events) as (
    select 'created', accounts.api_key_body(k.row), null::jsonb
    from api_key as k
    union all
    select 'expiry_passed', null, null
    where not exists (select from api_key)
)
select * from answer;
