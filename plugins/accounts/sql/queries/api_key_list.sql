-- in: nothing
-- out: the caller's keys that were not revoked, oldest first
select accounts.api_key_body(k) as body, k.id::text as cursor
from accounts.api_key as k
where (:cursor is null or k.id > vg.cursor_id(:cursor))
    and k.revoked_at is null
    and accounts.api_key_owned(k, :callerId, :callerRole, :callerCompany)
order by k.id
limit :limit;
