-- in: client_id, token
-- out: the client, and the session of a refresh token that is good now
select json_build_object(
    'client', (
        select json_build_object('id', k.id, 'prefix', k.prefix, 'salt', k.salt, 'hash', k.hash, 'companyId', k.company_id,
            'role', k.role, 'networks', k.networks)
        from accounts.api_key as k
        where (k.prefix = :client_id or k.id = vg.cursor_id(:client_id))
            and accounts.api_key_good(k, :now)),
    'session', (
        select json_build_object('active', true, 'token_type', 'refresh_token', 'sub', s.user_id, 'sid', s.id,
            'scope', s.scope, 'iat', floor(extract(epoch from s.rotated_at))::bigint,
            'exp', floor(extract(epoch from s.expires_at))::bigint)
        from accounts.session as s
        join accounts.users as u on u.id = s.user_id
        where s.handle = encode(sha256(convert_to(substr(:token, 5, 22), 'UTF8')), 'hex')
            and s.token = encode(sha256(convert_to(:token, 'UTF8')), 'hex')
            and s.ended_at is null
            and s.expires_at > :now
            and (s.client_id is null or exists (
                select
                from accounts.api_key as k
                where k.id = s.client_id
                    and accounts.api_key_good(k, :now)))
            and u.blocked_at is null)) as body;
