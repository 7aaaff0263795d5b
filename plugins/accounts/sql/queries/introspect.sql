-- in: row, claims, address
-- out: here, whether the client may ask from where it is; answer, as RFC 7662 has it
select json_build_object(
    'here', accounts.network_has(:row #> '{client,networks}', :address),
    'answer', coalesce(
        jsonb_strip_nulls(nullif(:row -> 'session', 'null')),
        (
            select jsonb_build_object('active', true, 'token_type', 'Bearer') || :claims
                || jsonb_build_object('iat', floor((:claims ->> 'iat')::numeric)::bigint)
            where :claims is not null
                and not exists (
                    select
                    from accounts.revocation as r
                    where r.id in (:claims ->> 'sub', :claims ->> 'sid', :claims ->> 'jti')
                        and r.before > to_timestamp((:claims ->> 'iat')::numeric)
                        and r.until > :now)),
        jsonb_build_object('active', false))) as body;
