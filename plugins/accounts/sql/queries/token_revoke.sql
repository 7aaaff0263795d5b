-- in: token; bound: tokenId, tokenLeft (seconds) of an access token that is valid, accessLifetime
-- out: ok, whatever it was; identity.revoked.v1
with ended as (
    update accounts.session as s
    set ended_at = :now
    where s.handle = encode(sha256(convert_to(substr(:token, 5, 22), 'UTF8')), 'hex')
        and encode(sha256(convert_to(:token, 'UTF8')), 'hex') in (s.token, s.last_token)
        and s.ended_at is null
    returning s.id
), answer (status, body, events) as (
    select 'ok', json_build_object(), (
        select jsonb_agg(t.event)
        from (
            select accounts.revoked(e.id::text, accounts.forgotten_at(:now, :accessLifetime),
                accounts.forgotten_at(:now, :accessLifetime)) as event
            from ended as e
            union all
            select accounts.revoked(:tokenId, accounts.forgotten_at(:now, :tokenLeft),
                accounts.forgotten_at(:now, :tokenLeft))
            where :tokenId is not null) as t)
)
select * from answer;
