-- Surges: versions that stand over others for a while. They end by themselves,
-- like any tariff that has an end_date_time, so that no copy of a tariff needs
-- to know of them, and none outlives whoever asks for them.

-- What was asked for last, so that it cannot be undone by what was asked before.
create table pricing.surge (
    station_id uuid   not null,
    number     bigint not null,
    constraint surge_pkey primary key (station_id)
);

-- surged_price(…): to 6 decimals, as the engine takes it; a bound keeps a price
-- from going further than it, and moves none that was beyond already. (greatest()
-- and least() pass over a NULL.)
create function pricing.surged_price(price numeric, multiplier numeric, lowest numeric, highest numeric) returns numeric
language sql immutable
return trim_scale(greatest(
    case when lowest is null then 0 else least(price, lowest) end,
    least(
        case when highest is null then 1000000000 else greatest(price, highest) end,
        round(price * multiplier, 6))));

-- surged(tariff, …): its prices of these dimensions times a number; not what a
-- reservation costs.
create function pricing.surged(tariff jsonb, multiplier numeric, dimensions jsonb, lowest numeric, highest numeric) returns jsonb
language plpgsql immutable as $$
declare
    place text[];
    part  jsonb;
begin
    for place, part in
        select array['elements', (e.nth - 1)::text, 'price_components', (c.nth - 1)::text, 'price'], c.value
        from jsonb_array_elements(tariff -> 'elements') with ordinality as e (value, nth)
        cross join jsonb_array_elements(e.value -> 'price_components') with ordinality as c (value, nth)
        where dimensions ? (c.value ->> 'type')
            and e.value -> 'restrictions' ->> 'reservation' is null
    loop
        tariff := jsonb_set(tariff, place, to_jsonb(pricing.surged_price((part ->> 'price')::numeric, multiplier,
            case when part ->> 'type' = 'ENERGY' then lowest end,
            case when part ->> 'type' = 'ENERGY' then highest end)));
    end loop;
    return tariff;
end
$$;

-- bases(station, moment): what is set for its connectors, each with the target
-- for which a surge of it is a version, and when something else is in force.
create function pricing.bases(wanted uuid, moment timestamptz)
returns table (scope text, target_id text, version_id uuid, changes_at timestamptz)
language plpgsql stable as $$
begin
    return query
    select
        p.scope,
        case p.scope when 'connector' then p.connector_id else wanted end::text,
        p.version_id,
        min(n.at)
    from (
        select
            c.connector_id,
            v.tariff_version_id as version_id,
            case t.scope when 'connector' then 'connector' else 'station' end as scope
        from pricing.connector as c
        join pricing.tariff_version as v on v.tariff_version_id = pricing.at_connector(c.connector_id, moment, false)
        join pricing.tariff as t on t.tariff_id = v.tariff_id
        where c.station_id = wanted) as p
    left join (
        select t.scope, t.target_id, greatest(v.valid_from, v.starts_at) as at
        from pricing.tariff as t
        join pricing.tariff_version as v on v.tariff_id = t.tariff_id
        where v.base_id is null
            and greatest(v.valid_from, v.starts_at) > moment) as n
        on (n.scope, n.target_id) in (
            ('connector', p.connector_id::text), ('station', wanted::text),
            ('operator', pricing.operator_of('station', wanted::text)))
    group by 1, 2, 3;
end
$$;

-- surge(…): {events, until}: the versions by which a station's prices surge
-- until then, or, with 1, are what was set as long as an earlier surge would
-- still stand; until: when something else is in force below, or the first of
-- them ends. null: a later one is known.
--
-- None ends before what stood there: that would be in force again.
create function pricing.surge(
    station uuid, nth bigint, multiplier numeric, until timestamptz, dimensions jsonb,
    lowest numeric, highest numeric, moment timestamptz) returns jsonb
language plpgsql as $$
declare
    base  record;
    cut   timestamptz;
    ends  timestamptz;
    first timestamptz;
    made  jsonb := '[]';
    owner text := pricing.operator_of('station', station::text);
begin
    insert into pricing.surge as s (station_id, number)
    values (station, nth)
    on conflict (station_id) do update
    set number = excluded.number
    where s.number < excluded.number;
    if not found then
        return null;
    end if;
    for base in
        select b.scope, b.target_id, b.changes_at, v.*, (
            select max(o.ends_at)
            from pricing.tariff as t
            join pricing.tariff_version as o on o.tariff_id = t.tariff_id
            where (t.scope, t.target_id) = (b.scope, b.target_id)
                and o.base_id is not null
                and o.ends_at > moment) as stands_until
        from pricing.bases(station, moment) as b
        join pricing.tariff_version as v on v.tariff_version_id = b.version_id
        order by b.scope, b.target_id
    loop
        cut := least(base.ends_at, base.changes_at);
        ends := greatest(case when multiplier <> 1 then least(until, cut) end, base.stands_until);
        continue when ends is null or ends <= moment;
        first := least(first, ends, cut);
        made := made || pricing.told(pricing.version_add(base.scope, base.target_id, coalesce(base.owner_id, owner),
            case when multiplier = 1 then base.tariff
                else pricing.surged(base.tariff, multiplier, dimensions, lowest, highest) end
                || jsonb_build_object('end_date_time', vg.z(ends), 'last_updated', vg.z(moment)),
            base.currency, moment, base.starts_at, ends, base.tariff_version_id, moment));
    end loop;
    return jsonb_build_object('events', nullif(made, '[]'), 'until', vg.z(first));
end
$$;
