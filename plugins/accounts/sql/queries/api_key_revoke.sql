-- in: id
-- out: empty
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
    returning k.id
), answer (status, body, events) as (
    select 'empty', null::json, null::jsonb
    from api_key
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
