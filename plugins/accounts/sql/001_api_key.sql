-- API keys. A key is "vg_", 12 characters of prefix, "_" and 32 random bytes;
-- the prefix finds the row, the hash over salt and whole key proves it.
create table accounts.api_key (
    id         uuid        not null,
    name       text        not null,
    prefix     text        not null,
    salt       text        not null,
    hash       text        not null,    -- SHA-256, hex
    role       text        not null,
    scopes     jsonb,                   -- null: all of the role's
    company_id text,
    created_by text        not null,    -- subject of the caller who made it
    plan       text,                    -- how often it may call, by name; null: the role's
    quota      bigint,                  -- calls a month; null: as the plan says
    networks   jsonb,                   -- array of CIDR, from where it may call; null: anywhere
    expires_at timestamptz,
    used_at    timestamptz,             -- last, as of a minute
    created_at timestamptz not null,
    revoked_at timestamptz,
    version    int         not null default 1,
    constraint api_key_pkey primary key (id),
    constraint api_key_prefix unique (prefix),
    constraint api_key_quota check (quota > 0),
    constraint api_key_role check (role in (
        'partner', 'operator', 'fleet_manager', 'driver', 'planner', 'admin'))
);
create index api_key_maker on accounts.api_key (created_by, id);
create index api_key_company on accounts.api_key (company_id, id);


-- api_key_owned(): who may see and revoke a key: its maker, while it acts for
-- the same company, that company, an admin.
create function accounts.api_key_owned(
    k accounts.api_key, caller_id text, caller_role text, caller_company text) returns boolean
language sql stable
return caller_role = 'admin'
    or (k.created_by = caller_id
        and k.company_id is not distinct from nullif(caller_company, ''))
    or (caller_role in ('operator', 'fleet_manager')
        and caller_company <> ''
        and k.company_id = caller_company);

-- api_key_good(): whether it opens anything now. What keys_ended() revokes is
-- also void by itself: a user who was blocked or is no admin any more may have
-- made another one while that was on its way to all nodes.
create function accounts.api_key_good(k accounts.api_key, moment timestamptz) returns boolean
language plpgsql stable as $$
begin
    return k.revoked_at is null
        and (k.expires_at is null or k.expires_at > moment)
        and ((k.company_id is not null and k.role <> 'admin')
            or not exists (
                select
                from accounts.users as u
                where u.id = vg.cursor_id(k.created_by)
                    and (u.blocked_at is not null
                        or (k.role = 'admin' and u.role <> 'admin'))));
end
$$;

-- network_has(networks, address): whether a key may call from there; networks
-- null, also JSON's: from anywhere.
create function accounts.network_has(networks jsonb, address text) returns boolean
language plpgsql stable as $$
begin
    return networks is null
        or pg_catalog.jsonb_typeof(networks) = 'null'
        or exists (
            select
            from pg_catalog.jsonb_array_elements_text(networks) as n (network)
            where address::inet <<= n.network::cidr);
end
$$;

create function accounts.api_key_body(k accounts.api_key) returns json
language sql stable
return pg_catalog.json_build_object(
    'id', k.id,
    'name', k.name,
    'prefix', k.prefix,
    'role', k.role,
    'scopes', k.scopes,
    'companyId', k.company_id,
    'plan', k.plan,
    'quota', k.quota,
    'networks', k.networks,
    'expiresAt', vg.z(k.expires_at),
    'lastUsedAt', vg.z(k.used_at),
    'version', k.version,
    'createdAt', vg.z(k.created_at));
