-- Charging profiles that charge points were sent, and what they said to them:
-- what the charge point holds, as far as anybody knows.

create table charging.charging_profile (
    id               uuid        not null,
    charge_point_id  text        not null,
    connector_number int         not null,
    profile_id       int         not null,  -- chargingProfileId, the charge point's key
    purpose          text        not null,
    kind             text        not null,
    stack_level      int         not null,
    recurrency       text,
    valid_from       timestamptz,
    valid_to         timestamptz,
    transaction_id   int,                   -- a TxProfile's
    start_schedule   timestamptz,
    duration         int,                   -- seconds
    rate_unit        text        not null,
    min_rate         numeric(12, 1),
    status           text        not null,  -- ACCEPTED, REJECTED, NOT_SUPPORTED; then REPLACED, CLEARED
    created_by       text        not null,
    created_at       timestamptz not null,
    ended_at         timestamptz,           -- replaced or cleared
    version          int         not null default 1,
    constraint charging_profile_pkey primary key (id),
    constraint charging_profile_purpose check (purpose in ('ChargePointMaxProfile', 'TxDefaultProfile', 'TxProfile')),
    constraint charging_profile_kind check (kind in ('Absolute', 'Recurring', 'Relative')),
    constraint charging_profile_unit check (rate_unit in ('A', 'W')),
    constraint charging_profile_status check (status in (
        'ACCEPTED', 'REJECTED', 'NOT_SUPPORTED', 'REPLACED', 'CLEARED'))
);
create index charging_profile_list on charging.charging_profile (charge_point_id, id);
create index charging_profile_held on charging.charging_profile (charge_point_id) where status = 'ACCEPTED';

create table charging.charging_period (
    charging_profile_id uuid           not null,
    start_period        int            not null,    -- seconds into the schedule
    rate                numeric(12, 1) not null,    -- OCPP's limit, in the profile's unit
    phases              smallint,
    constraint charging_period_pkey primary key (charging_profile_id, start_period),
    constraint charging_period_profile foreign key (charging_profile_id)
        references charging.charging_profile (id) on delete cascade,
    constraint charging_period_rate check (rate >= 0),
    constraint charging_period_phases check (phases between 1 and 3)
);


-- profile_ocpp(row): csChargingProfiles, as it was sent. Times are UTC.
create function charging.profile_ocpp(p charging.charging_profile) returns json
language sql stable
return json_strip_nulls(json_build_object(
    'chargingProfileId', p.profile_id,
    'transactionId', p.transaction_id,
    'stackLevel', p.stack_level,
    'chargingProfilePurpose', p.purpose,
    'chargingProfileKind', p.kind,
    'recurrencyKind', p.recurrency,
    'validFrom', vg.z(p.valid_from),
    'validTo', vg.z(p.valid_to),
    'chargingSchedule', json_build_object(
        'duration', p.duration,
        'startSchedule', vg.z(p.start_schedule),
        'chargingRateUnit', p.rate_unit,
        'chargingSchedulePeriod', (
            select json_agg(json_build_object(
                'startPeriod', s.start_period,
                'limit', s.rate,
                'numberPhases', s.phases) order by s.start_period)
            from charging.charging_period s
            where s.charging_profile_id = p.id),
        'minChargingRate', p.min_rate)));

-- profile_body(row): a TxProfile ends with its transaction.
create function charging.profile_body(p charging.charging_profile) returns json
language sql stable
return json_build_object(
    'id', p.id,
    'chargePointId', p.charge_point_id,
    'connectorNumber', p.connector_number,
    'profile', charging.profile_ocpp(p),
    'status', case
        when p.status = 'ACCEPTED' and p.purpose = 'TxProfile' and exists (
            select
            from charging.session s
            where s.transaction_id = p.transaction_id
                and s.stop_received_at is not null)
        then 'ENDED'
        else p.status
    end,
    'createdBy', p.created_by,
    'createdAt', vg.z(p.created_at),
    'endedAt', vg.z(p.ended_at),
    'version', p.version);

create view charging.charging_profile_json as
select p.id,
    p.charge_point_id,
    p.connector_number,
    p.purpose,
    p.status,
    charging.profile_body(p) as body
from charging.charging_profile p;


-- profile_store(…): a profile that was sent, with the charge point's word for
-- it; gives its body. Once accepted it replaces the one of the same id, and
-- the one of the same purpose and level at the same connector. A function of
-- commands, not of one: the body shows rows that it has just made.
create function charging.profile_store(new_id uuid, charge_point text, connector int, sent jsonb,
    said text, caller text, moment timestamptz) returns json
language plpgsql as $$
declare
    made charging.charging_profile;
    schedule jsonb := sent -> 'chargingSchedule';
begin
    if said = 'Accepted' then
        update charging.charging_profile p
        set status = 'REPLACED',
            ended_at = moment,
            version = p.version + 1
        where p.charge_point_id = charge_point
            and p.status = 'ACCEPTED'
            and (p.profile_id = (sent ->> 'chargingProfileId')::int
                or p.connector_number = connector
                    and p.purpose = sent ->> 'chargingProfilePurpose'
                    and p.stack_level = (sent ->> 'stackLevel')::int
                    and p.transaction_id is not distinct from (sent ->> 'transactionId')::int);
    end if;
    insert into charging.charging_profile (id, charge_point_id, connector_number, profile_id, purpose, kind,
        stack_level, recurrency, valid_from, valid_to, transaction_id, start_schedule, duration, rate_unit,
        min_rate, status, created_by, created_at)
    values (new_id, charge_point, connector, (sent ->> 'chargingProfileId')::int,
        sent ->> 'chargingProfilePurpose', sent ->> 'chargingProfileKind', (sent ->> 'stackLevel')::int,
        sent ->> 'recurrencyKind', (sent ->> 'validFrom')::timestamptz, (sent ->> 'validTo')::timestamptz,
        (sent ->> 'transactionId')::int, (schedule ->> 'startSchedule')::timestamptz,
        (schedule ->> 'duration')::int, schedule ->> 'chargingRateUnit',
        (schedule ->> 'minChargingRate')::numeric,
        case said when 'Accepted' then 'ACCEPTED' when 'NotSupported' then 'NOT_SUPPORTED' else 'REJECTED' end,
        caller, moment)
    returning * into made;
    insert into charging.charging_period (charging_profile_id, start_period, rate, phases)
    select new_id, (s.value ->> 'startPeriod')::int, (s.value ->> 'limit')::numeric,
        (s.value ->> 'numberPhases')::smallint
    from jsonb_array_elements(schedule -> 'chargingSchedulePeriod') s
    on conflict on constraint charging_period_pkey do nothing;
    return charging.profile_body(made);
end
$$;

-- profile_clear(…): what ClearChargingProfile took away, by its own filter:
-- the id, or each of the others that is given.
create function charging.profile_clear(charge_point text, filter jsonb, moment timestamptz) returns bigint
language sql
begin atomic
    with cleared as (
        update charging.charging_profile p
        set status = 'CLEARED',
            ended_at = moment,
            version = p.version + 1
        where p.charge_point_id = charge_point
            and p.status = 'ACCEPTED'
            and case
                when filter ? 'id' then p.profile_id = (filter ->> 'id')::int
                else (filter ->> 'connectorId' is null or p.connector_number = (filter ->> 'connectorId')::int)
                    and (filter ->> 'chargingProfilePurpose' is null
                        or p.purpose = filter ->> 'chargingProfilePurpose')
                    and (filter ->> 'stackLevel' is null or p.stack_level = (filter ->> 'stackLevel')::int)
            end
        returning p.id
    )
    select count(*)
    from cleared;
end;


-- zone_offset(zone, moment): seconds east of Greenwich.
create function charging.zone_offset(zone text, moment timestamptz) returns bigint
language sql stable parallel safe
return extract(epoch from (moment at time zone zone) - (moment at time zone 'UTC'))::bigint;

-- zone_clock(zone, begins, ends): [{at, offset}], where the offset of a zone
-- changes. Looked for at each quarter of an hour, which is where zones do it.
create function charging.zone_clock(zone text, begins timestamptz, ends timestamptz) returns json
language sql stable
begin atomic
    select json_agg(json_build_object('at', extract(epoch from c.at)::bigint, 'offset', c.zone_offset) order by c.at)
    from (
        select g.at,
            charging.zone_offset(zone, g.at) as zone_offset,
            lag(charging.zone_offset(zone, g.at)) over (order by g.at) as before
        from generate_series(date_bin('15 minutes', begins, 'epoch'), ends, interval '15 minutes') g (at)) c
    where c.before is distinct from c.zone_offset;
end;
