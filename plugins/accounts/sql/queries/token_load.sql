-- in: username, refresh_token, client_id
-- out: what the grant is decided by, each part null where there is none
select json_build_object(
    'user', (
        select json_build_object('id', u.id, 'password', u.password)
        from accounts.users as u
        where u.email_key = accounts.email_key(:username)
            and u.verified_at is not null),
    'session', (
        select json_build_object(
            'id', s.id,
            'userId', s.user_id,
            'token', s.token,
            'seed', s.seed,
            'lastSeed', s.last_seed,
            'scope', s.scope)
        from accounts.session as s
        where s.handle = encode(sha256(convert_to(substr(:refresh_token, 5, 22), 'UTF8')), 'hex')),
    'client', (
        select json_build_object(
            'id', k.id,
            'prefix', k.prefix,
            'salt', k.salt,
            'hash', k.hash,
            'role', k.role,
            'scopes', k.scopes,
            'companyId', k.company_id,
            'networks', k.networks,
            'secondsLeft', ceil(extract(epoch from k.expires_at - :now))::bigint)
        from accounts.api_key as k
        where (k.prefix = :client_id or k.id = vg.cursor_id(:client_id))
            and accounts.api_key_good(k, :now))) as body;
