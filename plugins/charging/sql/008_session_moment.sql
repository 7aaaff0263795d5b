-- A session as its stream shows it: what changes while it runs.

-- soc_percent(session): the latest reading that is a percentage.
create function charging.soc_percent(session uuid) returns numeric
language plpgsql stable parallel safe as $$
begin
    return (
        select n.percent
        from (
            select m.at,
                m.received_at,
                case
                    when btrim(m.raw) ~ '^[0-9]{1,3}(\.[0-9]{1,9})?$'
                    then trim_scale(btrim(m.raw)::numeric)
                end as percent
            from charging.meter_value m
            where m.session_id = session
                and m.measurand = 'SoC') n
        where n.percent <= 100
        order by n.at desc, n.received_at desc
        limit 1);
end
$$;

-- power_kw(session): the whole's power where it was sampled last, else the
-- sum over the phases of that moment; each counts once.
create function charging.power_kw(session uuid) returns numeric
language plpgsql stable parallel safe as $$
begin
    return (
        select trim_scale(coalesce(max(p.power_kw) filter (where p.phase = ''), sum(p.power_kw)))
        from (
            select left(m.phase, 2) as phase,
                max(m.power_kw) as power_kw
            from charging.meter_value m
            where m.session_id = session
                and m.power_kw is not null
                and m.phase ~ '^(L[123](-N)?)?$'
                and m.at = (
                    select max(l.at)
                    from charging.meter_value l
                    where l.session_id = session
                        and l.power_kw is not null)
            group by 1) p);
end
$$;

create function charging.last_at(session uuid) returns timestamptz
language plpgsql stable strict parallel safe as $$
begin
    return (
        select max(m.at)
        from charging.meter_value m
        where m.session_id = session);
end
$$;

-- Power is of now: there is none before the Start and after the Stop.
create function charging.session_moment(s charging.session) returns json
language sql stable parallel safe
return json_build_object(
    'sessionId', s.id,
    'status', s.status,
    'at', vg.z(greatest(s.started_at, s.stopped_at, charging.last_at(s.id))),
    'powerKw', case when s.status in ('ACTIVE', 'SUSPENDED', 'STOPPING') then charging.power_kw(s.id) end,
    'energyKwh', charging.energy_kwh(s),
    'socPercent', charging.soc_percent(s.id),
    'currency', coalesce(s.currency, charging.tariff_currency(s.tariff_version_id)),
    'cost', s.cost,
    'costInclVat', s.cost_incl_vat,
    'failure', s.failure);
