-- How somebody wants to be told; who has no row wants all, at once, in UTC.
create table notifications.preference (
    user_id       text        not null,
    muted         jsonb       not null default '[]',  -- channels
    quiet_from    time,                               -- in the user's zone
    quiet_to      time,
    time_zone     text,                               -- IANA
    locale        text,                               -- BCP 47
    batch_minutes int         not null default 0,     -- mails that can wait are one mail, so often
    push_tokens   jsonb       not null default '[]',
    version       int         not null default 1,
    updated_at    timestamptz not null,
    constraint preference_pkey primary key (user_id),
    constraint preference_quiet check ((quiet_from is null) = (quiet_to is null))
);

create function notifications.preference_body(of_user text, p notifications.preference) returns json
language sql stable
return json_build_object(
    'userId', of_user,
    'muted', coalesce(p.muted, '[]'),
    'quietFrom', to_char(p.quiet_from, 'HH24:MI'),
    'quietTo', to_char(p.quiet_to, 'HH24:MI'),
    'timeZone', p.time_zone,
    'locale', p.locale,
    'batchMinutes', coalesce(p.batch_minutes, 0),
    'pushTokens', coalesce(p.push_tokens, '[]'),
    'version', coalesce(p.version, 0));

-- zone_known(name): whether this server has that zone.
create function notifications.zone_known(zone text) returns boolean
language plpgsql stable as $$
begin
    perform pg_catalog.now() at time zone zone;
    return zone ~ '^(UTC|[A-Z][A-Za-z_]+(/[A-Za-z0-9_+-]+)+)$';
exception when invalid_parameter_value then
    return false;
end
$$;

-- quiet_until(preference, moment): when the quiet hours end that it is in; null:
-- it is in none. By the wall clock of the user's zone, whatever summer time does.
create function notifications.quiet_until(p notifications.preference, moment timestamptz) returns timestamptz
language plpgsql stable as $$
declare
    zone text := coalesce(p.time_zone, 'UTC');
    wall timestamp := moment at time zone coalesce(p.time_zone, 'UTC');
    until timestamptz;
begin
    if p.quiet_from is null or p.quiet_from = p.quiet_to then
        return null;
    end if;
    if p.quiet_from < p.quiet_to then
        if wall::time < p.quiet_from or wall::time >= p.quiet_to then
            return null;
        end if;
    elsif wall::time < p.quiet_from and wall::time >= p.quiet_to then
        return null;
    end if;
    until := (wall::date + p.quiet_to) at time zone zone;
    if until <= moment then
        until := (wall::date + 1 + p.quiet_to) at time zone zone;
    end if;
    return until;
end
$$;
