-- People. An address that nobody has proved is nobody's: registrations wait
-- side by side, each with a code of its own, until one of them is verified.
create table accounts.users (
    id          uuid        not null,
    email       text        not null,   -- as it was written; ASCII
    email_key   text        not null,   -- what it is found by
    name        text        not null,
    phone       text,                   -- E.164
    password    text        not null,   -- Argon2id, PHC's text
    role        text        not null default 'driver',
    company_id  text,
    verified_at timestamptz,            -- null: it waits
    blocked_at  timestamptz,
    created_at  timestamptz not null,
    version     int         not null default 1,
    constraint users_pkey primary key (id),
    constraint users_role check (role in ('driver', 'operator', 'fleet_manager', 'planner', 'admin'))
);
create unique index users_email on accounts.users (email_key) where verified_at is not null;
create index users_waiting on accounts.users (email_key) where verified_at is null;
create index users_stale on accounts.users (created_at) where verified_at is null;

-- email_key(address): one mailbox, one key. Addresses are ASCII (email.c), so
-- lower case is all that there is to fold; no locale has a say in it.
create function accounts.email_key(address text) returns text
language sql immutable parallel safe
return pg_catalog.lower(address collate "C");

create function accounts.user_body(u accounts.users) returns json
language sql stable
return pg_catalog.json_build_object(
    'id', u.id,
    'email', u.email,
    'emailVerified', u.verified_at is not null,
    'name', u.name,
    'phone', u.phone,
    'role', u.role,
    'roles', pg_catalog.json_build_array(u.role),
    'companyId', u.company_id,
    'blocked', u.blocked_at is not null,
    'version', u.version,
    'createdAt', vg.z(u.created_at));


-- What was mailed to prove who reads a mailbox, with few tries and little time:
-- six digits for an address that waits, of which the next mail voids the last;
-- ten characters for a password, each under the id that was told to who asked,
-- so that no stranger uses up the tries of another.
create table accounts.code (
    id         uuid        not null,    -- of a reset its own, else the user's
    user_id    uuid        not null,
    purpose    text        not null,
    salt       text        not null,
    hash       text        not null,    -- SHA-256, hex
    tries      int         not null default 0,
    expires_at timestamptz not null,
    constraint code_pkey primary key (id),
    constraint code_user foreign key (user_id) references accounts.users (id) on delete cascade,
    constraint code_purpose check (purpose in ('verify', 'reset'))
);
create index code_of on accounts.code (user_id);
create index code_expiry on accounts.code (expires_at);

-- code_tried(id, purpose, code, moment): whether it is the one; each look is
-- a try, and who was right has used it up.
create function accounts.code_tried(of_id uuid, for_purpose text, shown text, moment timestamptz) returns boolean
language plpgsql as $$
declare
    right_one boolean;
begin
    update accounts.code as c
    set tries = case when c.hash = pg_catalog.encode(
            pg_catalog.sha256(pg_catalog.convert_to(c.salt || shown, 'UTF8')), 'hex') then 5 else c.tries + 1 end
    where c.id = of_id
        and c.purpose = for_purpose
        and c.tries < 5
        and c.expires_at > moment
    returning c.hash = pg_catalog.encode(
        pg_catalog.sha256(pg_catalog.convert_to(c.salt || shown, 'UTF8')), 'hex') into right_one;
    return coalesce(right_one, false);
end
$$;

-- How many mails went to an address within the hour; of resets by themselves,
-- so that no stranger who registers an address keeps its owner from one.
create table accounts.postage (
    email_key text        not null,
    purpose   text        not null,
    since     timestamptz not null,
    mails     int         not null,
    constraint postage_pkey primary key (email_key, purpose)
);
create index postage_age on accounts.postage (since);

-- postage_taken(key, purpose, moment, most): whether another mail may go there.
create function accounts.postage_taken(key text, for_purpose text, moment timestamptz, most bigint) returns boolean
language plpgsql as $$
begin
    insert into accounts.postage as p (email_key, purpose, since, mails)
    values (key, for_purpose, moment, 1)
    on conflict (email_key, purpose) do update
    set since = case when p.since > moment - interval '1 hour' then p.since else moment end,
        mails = case when p.since > moment - interval '1 hour' then p.mails + 1 else 1 end
    where p.since <= moment - interval '1 hour'
        or p.mails < most;
    return found;
end
$$;

-- Mails of a sandbox: kept instead of sent, for a day.
create table accounts.sandbox_mail (
    id        uuid        not null,
    email     text        not null,
    email_key text        not null,
    template  text        not null,
    data      jsonb       not null,
    at        timestamptz not null,
    constraint sandbox_mail_pkey primary key (id)
);
create index sandbox_mail_of on accounts.sandbox_mail (email_key, id);
create index sandbox_mail_age on accounts.sandbox_mail (at);
