-- Rules: one of a station, one of an operator for its other stations.

create table dynamic_pricing.rule (
    id                uuid        not null,
    operator_id       text        not null,
    station_id        uuid,                -- null: the operator's default
    name              text        not null,
    active            boolean     not null,
    min_multiplier    numeric     not null,
    max_multiplier    numeric     not null,
    min_price_per_kwh numeric,
    max_price_per_kwh numeric,
    dimensions        jsonb       not null,
    occupancy         jsonb       not null, -- [{enterPercent, leavePercent, multiplier}], ascending
    time_of_use       jsonb       not null, -- [{dayOfWeek?, startTime, endTime, multiplier}], the first that holds
    hold_seconds      int         not null, -- between two changes of the step of occupancy
    version           int         not null default 1,
    created_at        timestamptz not null,
    updated_at        timestamptz not null,
    constraint rule_pkey primary key (id),
    constraint rule_exists unique nulls not distinct (operator_id, station_id),
    constraint rule_bounds check (min_multiplier <= max_multiplier and min_price_per_kwh <= max_price_per_kwh)
);

create function dynamic_pricing.rule_body(r dynamic_pricing.rule) returns json
language sql stable
return pg_catalog.json_build_object(
    'id', r.id,
    'operatorId', r.operator_id,
    'stationId', r.station_id,
    'name', r.name,
    'active', r.active,
    'minMultiplier', r.min_multiplier,
    'maxMultiplier', r.max_multiplier,
    'minPricePerKwh', r.min_price_per_kwh,
    'maxPricePerKwh', r.max_price_per_kwh,
    'dimensions', r.dimensions,
    'occupancy', r.occupancy,
    'timeOfUse', r.time_of_use,
    'holdSeconds', r.hold_seconds,
    'version', r.version,
    'createdAt', vg.z(r.created_at),
    'updatedAt', vg.z(r.updated_at));

-- owned(operator, role, company): whose rules one sees and writes.
create function dynamic_pricing.owned(operator text, caller_role text, caller_company text) returns boolean
language sql immutable
return caller_role = 'admin' or caller_role = 'operator' and caller_company <> '' and operator = caller_company;

-- rule_at(station): the station's, else its operator's; one that is not active
-- keeps the operator's off all the same. A rule binds its maker's stations.
create function dynamic_pricing.rule_at(s dynamic_pricing.station) returns dynamic_pricing.rule
language plpgsql stable as $$
declare
    found_rule dynamic_pricing.rule;
begin
    select r.* into found_rule
    from dynamic_pricing.rule as r
    where r.operator_id = s.operator_id
        and (r.station_id = s.station_id or r.station_id is null)
    order by r.station_id is null
    limit 1;
    if found_rule.active then
        return found_rule;
    end if;
    return null;
end
$$;

-- holds(window, local): by the wall clock; over midnight, the day is that of the
-- moment, as in OCPI's restrictions.
create function dynamic_pricing.holds(span jsonb, local timestamp) returns boolean
language sql immutable
return (not span ? 'dayOfWeek'
        or (span -> 'dayOfWeek') ? (array['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY',
            'SUNDAY'])[extract(isodow from local)::int])
    and case
        when (span ->> 'startTime')::time < (span ->> 'endTime')::time
        then local::time >= (span ->> 'startTime')::time and local::time < (span ->> 'endTime')::time
        else local::time >= (span ->> 'startTime')::time or local::time < (span ->> 'endTime')::time
    end;

-- multiplier_at(rule, step, zone, moment): occupancy times time of use, within
-- the rule's bounds; without a rule 1.
create function dynamic_pricing.multiplier_at(r dynamic_pricing.rule, step int, zone text, moment timestamptz) returns numeric
language plpgsql stable as $$
begin
    if r.id is null then
        return 1;
    end if;
    return trim_scale(greatest(r.min_multiplier, least(r.max_multiplier, round(
        coalesce(case when step > 0 then (r.occupancy -> (step - 1) ->> 'multiplier')::numeric end, 1) -- -1 is the last
        * coalesce((
            select (w.value ->> 'multiplier')::numeric
            from jsonb_array_elements(r.time_of_use) with ordinality as w (value, nth)
            where dynamic_pricing.holds(w.value, moment at time zone zone)
            order by w.nth
            limit 1), 1), 6))));
end
$$;

-- edge_after(rule, zone, moment): when a window may begin or end next. An hour
-- that comes twice has both of its edges.
create function dynamic_pricing.edge_after(r dynamic_pricing.rule, zone text, moment timestamptz) returns timestamptz
language plpgsql stable as $$
begin
    return (
        select min(i.at)
        from jsonb_array_elements(r.time_of_use) as w (value)
        cross join (values ('startTime'), ('endTime'), ('midnight')) as m (member)
        cross join generate_series(-1, 8) as d (day)
        cross join lateral (
            select (moment at time zone zone)::date + d.day
                + case m.member when 'midnight' then interval '0' else (w.value ->> m.member)::time - time '0:00' end as local) as l
        cross join (values (interval '-1 hour'), (interval '0'), (interval '1 hour')) as o (shift)
        cross join lateral (select (l.local at time zone zone) + o.shift as at) as i
        where i.at > moment
            and i.at at time zone zone = l.local
            and (m.member <> 'midnight' or w.value ? 'dayOfWeek'));
end
$$;
