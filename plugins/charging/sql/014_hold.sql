-- Money that billing holds for a session: what it said last, and what the
-- session is expected to cost.

alter table charging.session
    add column hold_status    text,         -- NONE, AWAY, PENDING, HELD, EXHAUSTED, REFUSED …; NULL: not asked yet
    add column hold_failure   text,         -- why it was refused
    add column hold_version   int,          -- billing's: later is newer
    add column hold_net       numeric,      -- what is held, without tax
    add column hold_look_at   timestamptz;  -- at the cost so far, next
create index session_held on charging.session (hold_look_at)
    where status in ('ACTIVE', 'SUSPENDED') and hold_look_at is not null;

-- a hold is sized by what is left of its reservation
alter table charging.reservation
    add column end_time timestamptz;

-- expected(session, moment): by what a session is rated before it is there:
-- the tariff, the connector's power (22 kW, where it does not say), the seconds
-- that are left of its reservation, if it has one; and of one that runs the
-- seconds and the energy so far.
create function charging.expected(s charging.session, moment timestamptz) returns json
language plpgsql stable as $$
begin
    return (
        select json_build_object(
            'tariff', t.tariff,
            'timeZone', c.time_zone,
            'powerW', floor(coalesce(c.max_power_kw, 22) * 1000)::bigint,
            'since', greatest(0, floor(extract(epoch from moment - s.started_at)))::bigint,
            'energyWh', greatest(0, floor((
                select max(v.energy_wh)
                from charging.meter_value v
                where v.session_id = s.id) - s.meter_start_wh))::bigint,
            'left', (
                select floor(extract(epoch from r.end_time - moment))::bigint
                from charging.reservation r
                where r.reservation_id = s.reservation_id
                    and r.end_time > moment + interval '1 minute'))
        from charging.connector c
        join charging.tariff t on t.tariff_version_id = coalesce(s.tariff_version_id,
            charging.tariff_at(c.connector_id, c.station_id, c.operator_id, moment))
        where c.connector_id = s.connector_id);
end
$$;

-- is_priced(…): the tariff there has a price above zero; false where none is
-- known.
create function charging.is_priced(connector uuid, station uuid, operator text, moment timestamptz) returns boolean
language plpgsql stable as $$
begin
    return exists (
        select
        from charging.tariff t
        where t.tariff_version_id = charging.tariff_at(connector, station, operator, moment)
            and (t.tariff ? 'min_price'
                or jsonb_path_exists(t.tariff, '$.elements[*].price_components[*].price ? (@ > 0)')));
end
$$;

-- hold_stop(session, stops, correlation): what runs and is refused a hold is marked,
-- and is to be stopped if stops says so: once.
create function charging.hold_stop(about uuid, stops boolean, correlation text) returns void
language plpgsql as $$
begin
    update charging.session t
    set flags = charging.flag(t.flags, 'hold_refused', true),
        version = t.version + 1
    where t.id = about
        and t.hold_status = 'REFUSED'
        and t.status in ('ACTIVE', 'SUSPENDED', 'STOPPING')
        and 'hold_refused' <> all (t.flags);
    if found and stops then
        insert into vg.job (plugin, kind, payload, correlation_id)
        values ('charging', 'charging.stop', jsonb_build_object('sessionId', about), correlation);
    end if;
end
$$;

-- hold_note(session, said, stops, …): what billing said last of its hold. Which
-- of two came first is told by billing's version. What is held is looked at
-- while the session runs; so is, where nothing is held yet, a tariff that may
-- have a price later. True: what waits for it may go on.
create function charging.hold_note(about uuid, said jsonb, stops boolean, moment timestamptz, correlation text) returns boolean
language plpgsql as $$
declare
    s    charging.session;
    word text := said ->> 'status';
begin
    select t.* into s
    from charging.session t
    where t.id = about
    for update;
    if s.id is null or coalesce((said ->> 'version')::int, 0) <= coalesce(s.hold_version, -1) then
        return false;
    end if;
    update charging.session t
    set hold_status = word,
        hold_failure = said ->> 'failure',
        hold_version = coalesce((said ->> 'version')::int, 0),
        hold_net = (said ->> 'net')::numeric,
        hold_look_at = case
            when (said ->> 'net')::numeric > 0
                or word = 'NONE' and s.customer_id is not null and s.company_id is null
                and charging.is_priced(s.connector_id, s.station_id, s.operator_id, moment)
            then coalesce(t.hold_look_at, moment)
        end,
        flags = charging.flag(t.flags, 'unheld', word = 'AWAY'),
        version = t.version + 1
    where t.id = s.id;
    perform charging.hold_stop(about, stops, correlation);
    return word <> 'PENDING' and coalesce(s.hold_status, 'PENDING') = 'PENDING';
end
$$;
