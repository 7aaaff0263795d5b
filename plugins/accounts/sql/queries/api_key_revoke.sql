-- in: id
-- out: empty
-- refuses: not_found
--
-- The row stays, so that what the key did keeps its name.
with api_key as (
    update accounts.api_key as k
    set revoked_at = :now
    where k.id = :id
        and k.revoked_at is null
        and accounts.api_key_owned(k, :callerId, :callerRole, :callerCompany)
    returning k.id
), answer (status, body, events) as (
    select 'empty', null::json, null::jsonb
    from api_key
    union all
    select 'not_found', null, null
    where not exists (select from api_key)
)
select * from answer;
