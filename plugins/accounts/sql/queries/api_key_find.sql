-- in: prefix
-- out: what a presented key is checked against; stale: api_key.used has something to note; no row: unknown, revoked or expired
select json_build_object(
    'id', k.id,
    'salt', k.salt,
    'hash', k.hash,
    'role', k.role,
    'scopes', k.scopes,
    'companyId', k.company_id,
    'expiresAt', vg.z(k.expires_at),
    'plan', k.plan,
    'quota', k.quota,
    'networks', coalesce(k.networks, '[]'),
    'stale', k.used_at is null or k.used_at < :now - interval '1 minute') as body
from accounts.api_key as k
where k.prefix = :prefix
    and accounts.api_key_good(k, :now);
