-- in: id
-- out: a key, without what it is
select accounts.api_key_body(k) as body
from accounts.api_key as k
where k.id = :id
    and k.revoked_at is null
    and accounts.api_key_owned(k, :callerId, :callerRole, :callerCompany);
