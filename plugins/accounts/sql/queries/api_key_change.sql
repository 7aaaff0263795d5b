-- in: id, body (name, plan, quota, networks, expiresAt); bound: accessLifetime
-- out: ok, the key, without itself; api_key.updated.v1, by which each node asks anew, and identity.revoked.v1: tokens that were made of it before are void
-- refuses: not_found, precondition_failed, expiry_passed, forbidden
--
-- Who is no admin changes partners' alone, for it could make no other one.
-- again: it was revoked meanwhile.
with changed as (
    update accounts.api_key as k
    set name = coalesce(:name, k.name),
        plan = case when :body ? 'plan' then :plan else k.plan end,
        quota = case when :body ? 'quota' then :quota else k.quota end,
        networks = case when :body ? 'networks' then :networks else k.networks end,
        expires_at = case when :body ? 'expiresAt' then :expiresAt else k.expires_at end,
        version = k.version + 1
    where k.id = :id
        and k.revoked_at is null
        and accounts.api_key_owned(k, :callerId, :callerRole, :callerCompany)
        and (:callerRole = 'admin' or k.role = 'partner')
        and (:ifMatch is null or k.version = any (:ifMatch))
        and (:expiresAt is null or :expiresAt > :now)
    returning k as row
), answer (status, body, events) as (
    select
        'ok',
        accounts.api_key_body(c.row),
        jsonb_build_array(
            jsonb_build_object(
                'type', 'api_key.updated.v1',
                'aggregateId', (c.row).id,
                'payload', jsonb_build_object('keyId', (c.row).id, 'companyId', (c.row).company_id)),
            accounts.revoked((c.row).id::text, greatest(:now, clock_timestamp()),
                accounts.forgotten_at(:now, :accessLifetime)))
    from changed as c
    union all
    select
        case
            when not exists (
                select
                from accounts.api_key as k
                where k.id = :id
                    and k.revoked_at is null
                    and accounts.api_key_owned(k, :callerId, :callerRole, :callerCompany)) then 'not_found'
            when :expiresAt <= :now then 'expiry_passed'
            when not exists (
                select
                from accounts.api_key as k
                where k.id = :id
                    and (:callerRole = 'admin' or k.role = 'partner')) then 'forbidden'
            when :ifMatch is null then 'again'
            else 'precondition_failed'
        end, null, null
    where not exists (select from changed)
)
select * from answer;
