-- in: id; bound: accessLifetime
-- out: empty; api_key.revoked.v1, by which each node forgets it, and identity.revoked.v1 for the tokens that were made of it
-- refuses: not_found, precondition_failed
--
-- The row stays, so that what the key did keeps its name.
with api_key as (
    update accounts.api_key as k
    set revoked_at = :now,
        version = k.version + 1
    where k.id = :id
        and k.revoked_at is null
        and accounts.api_key_owned(k, :callerId, :callerRole, :callerCompany)
        and (:ifMatch is null or k.version = any (:ifMatch))
    returning k.id, k.company_id
), answer (status, body, events) as (
    select
        'empty',
        null::json,
        jsonb_build_array(
            jsonb_build_object(
                'type', 'api_key.revoked.v1',
                'aggregateId', k.id,
                'payload', jsonb_build_object('keyId', k.id, 'companyId', k.company_id)),
            accounts.revoked(k.id::text, accounts.forgotten_at(:now, :accessLifetime),
                accounts.forgotten_at(:now, :accessLifetime)))
    from api_key as k
    union all
    select
        case
            when :ifMatch is not null and exists (
                select
                from accounts.api_key as k
                where k.id = :id
                    and k.revoked_at is null
                    and accounts.api_key_owned(k, :callerId, :callerRole, :callerCompany)) then 'precondition_failed'
            else 'not_found'
        end, null, null
    where not exists (select from api_key)
)
select * from answer;
