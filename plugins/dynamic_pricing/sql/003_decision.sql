-- From what is told to what is decided.

-- touch(station, again): what a decision looks at has moved. again: pricing is
-- to be told, even if it comes out as before.
create function dynamic_pricing.touch(wanted uuid, again boolean, correlation text) returns void
language plpgsql as $$
declare
    s dynamic_pricing.station;
begin
    update dynamic_pricing.station as o
    set revision = o.revision + 1,
        multiplier = case when not again then o.multiplier end
    where o.station_id = wanted
    returning o.* into s;
    if s.multiplier is distinct from 1 or s.rule_id is not null or (dynamic_pricing.rule_at(s)).id is not null then
        perform dynamic_pricing.later('surge.decide', wanted::text, jsonb_build_object('stationId', wanted), correlation);
    end if;
end
$$;

create function dynamic_pricing.touch_point(point text, number int, correlation text) returns void
language sql
begin atomic
    select dynamic_pricing.touch(s.station_id, false, correlation)
    from (
        select distinct p.station_id
        from dynamic_pricing.place as p
        where p.charge_point_id = point
            and number in (0, p.connector_number)
        order by p.station_id) as s;
end;

-- status_told(…), session_told(…): what is older than what is known, or known
-- already, changes nothing.
create function dynamic_pricing.status_told(point text, number int, state text, at timestamptz, correlation text) returns void
language plpgsql as $$
begin
    insert into dynamic_pricing.connector as c (charge_point_id, connector_number, status, told_at)
    values (point, number, state, at)
    on conflict (charge_point_id, connector_number) do update
    set status = excluded.status,
        told_at = excluded.told_at
    where c.told_at is null or c.told_at < excluded.told_at;
    if found then
        perform dynamic_pricing.touch_point(point, number, correlation);
    end if;
end
$$;

create function dynamic_pricing.session_told(point text, number int, session uuid, over boolean, correlation text) returns void
language plpgsql as $$
begin
    insert into dynamic_pricing.connector as c (charge_point_id, connector_number, session_id, session_over)
    select point, number, session, over
    where point is not null
        and number is not null
    on conflict (charge_point_id, connector_number) do update
    set session_id = excluded.session_id,
        session_over = excluded.session_over
    where c.session_id is null
        or c.session_id < excluded.session_id
        or c.session_id = excluded.session_id and excluded.session_over and not c.session_over;
    if found then
        perform dynamic_pricing.touch_point(point, number, correlation);
    end if;
end
$$;

create function dynamic_pricing.station_told(station uuid, operator text, zone text, connectors jsonb, correlation text) returns void
language plpgsql as $$
begin
    insert into dynamic_pricing.station as s (station_id, operator_id, time_zone)
    values (station, operator, zone)
    on conflict (station_id) do update
    set operator_id = excluded.operator_id,
        time_zone = excluded.time_zone;
    delete from dynamic_pricing.place as p
    where p.station_id = station;
    insert into dynamic_pricing.place as p (connector_id, station_id, charge_point_id, connector_number)
    select c."connectorId", station, c."chargePointId", c."connectorNumber"
    from jsonb_to_recordset(connectors) as c ("connectorId" uuid, "chargePointId" text, "connectorNumber" int)
    on conflict (connector_id) do update
    set station_id = excluded.station_id,
        charge_point_id = excluded.charge_point_id,
        connector_number = excluded.connector_number;
    perform dynamic_pricing.touch(station, false, correlation);
end
$$;

-- rule_told(operator, station): a rule of theirs was made, changed or removed:
-- whatever it made of prices is decided anew, from nothing.
create function dynamic_pricing.rule_told(operator text, station uuid, correlation text) returns void
language plpgsql as $$
declare
    id uuid;
begin
    for id in
        select s.station_id
        from dynamic_pricing.station as s
        where s.operator_id = operator
            and (station is null or s.station_id = station)
        order by s.station_id
        for update
    loop
        update dynamic_pricing.station as s
        set step = 0,
            stepped_at = null
        where s.station_id = id;
        perform dynamic_pricing.touch(id, true, correlation);
    end loop;
end
$$;

-- tariff_told(…): something else was set there. Where prices surge, or stand over
-- what was set, pricing is told again.
create function dynamic_pricing.tariff_told(station uuid, connector uuid, operator text, moment timestamptz, correlation text)
returns void
language plpgsql as $$
declare
    id uuid;
begin
    for id in
        select s.station_id
        from dynamic_pricing.station as s
        where s.until > moment
            and (s.station_id = station
                or s.operator_id = operator
                or s.station_id in (select p.station_id from dynamic_pricing.place as p where p.connector_id = connector))
        order by s.station_id
        for update
    loop
        perform dynamic_pricing.touch(id, true, correlation);
    end loop;
end
$$;

-- decided(…): the step that was chosen by what was read at that revision, wait:
-- seconds after which it is to be chosen again. The caller holds the station's
-- row. If it has moved since, it is decided anew; else pricing is told, in
-- the order of number, where prices change or what stands has to be asked for again.
create function dynamic_pricing.decided(
    wanted uuid, seen bigint, chosen int, wait int, moment timestamptz, lease interval, correlation text) returns void
language plpgsql as $$
declare
    s    dynamic_pricing.station;
    r    dynamic_pricing.rule;
    edge timestamptz;
    ends timestamptz := date_trunc('second', moment + lease);
    rate numeric;
begin
    select o.* into s
    from dynamic_pricing.station as o
    where o.station_id = wanted;
    if s.revision is distinct from seen then
        perform dynamic_pricing.later('surge.decide', wanted || '/' || s.revision, jsonb_build_object('stationId', wanted), correlation)
        where s.station_id is not null;
        return;
    end if;
    r := dynamic_pricing.rule_at(s);
    rate := dynamic_pricing.multiplier_at(r, chosen, s.time_zone, moment);
    edge := dynamic_pricing.edge_after(r, s.time_zone, moment);
    if edge < ends and dynamic_pricing.multiplier_at(r, chosen, s.time_zone, edge) = 1 then
        ends := edge;
    end if;
    if rate is distinct from s.multiplier
        or rate <> 1 and (s.cut_at <= moment or s.until < least(ends, moment + lease / 2))
    then
        -- what stands over a tariff ends never before what stood there
        s.until := case when rate = 1 then s.until else greatest(s.until, ends) end;
        s.cut_at := null;
        if rate <> 1 or s.number > 0 then
            s.number := s.number + 1;
            perform dynamic_pricing.later('surge.tell', wanted || '/' || s.number, jsonb_build_object(
                'stationId', wanted,
                'number', s.number,
                'multiplier', rate,
                'until', vg.z(coalesce(s.until, moment)),
                'dimensions', coalesce(r.dimensions, '["ENERGY"]'),
                'minPricePerKwh', r.min_price_per_kwh,
                'maxPricePerKwh', r.max_price_per_kwh), correlation);
        end if;
    end if;
    update dynamic_pricing.station as o
    set revision = o.revision + case when chosen <> o.step then 1 else 0 end, -- who read the step before chooses anew
        step = chosen,
        stepped_at = case when r.id is null then null when chosen <> o.step then moment else o.stepped_at end,
        rule_id = r.id,
        number = s.number,
        multiplier = rate,
        until = s.until,
        cut_at = s.cut_at,
        -- a clock that is set forward leaves out edges, at a full hour
        next_at = least(edge, s.cut_at, moment + make_interval(secs => wait),
            case when edge is not null then date_trunc('hour', moment) + interval '1 hour' end,
            case when rate <> 1 and (edge is null or s.until < edge) then s.until - lease / 2 end)
    where o.station_id = wanted;
end
$$;
