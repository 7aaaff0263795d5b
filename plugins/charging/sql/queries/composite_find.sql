-- in: id, connectorNumber, duration, unit, from, clock
-- out: what the composite schedule of a connector is made of
-- Instants are seconds since 1970, limits text. In UTC there is no clock.
with place as (
    select coalesce((
            select c.time_zone
            from charging.connector c
            where c.charge_point_id = :id
                and c.removed_at is null
            limit 1), 'UTC') as zone,
        date_trunc('second', coalesce(:from, :now)) as begins
    where :callerRole = 'admin'
        or :callerRole = 'operator' and charging.operator_of(:id) = nullif(:callerCompany, '')
), running as (
    select s.transaction_id,
        floor(extract(epoch from s.started_at))::bigint as since
    from charging.session s
    where s.charge_point_id = :id
        and s.connector_number = :connectorNumber
        and s.status in ('ACTIVE', 'SUSPENDED', 'STOPPING')
        and s.stop_received_at is null
        and s.superseded_at is null
    order by s.started_at desc
    limit 1
)
select json_build_object(
    'connector', :connectorNumber,
    'transaction', r.transaction_id,
    'since', r.since,
    'from', extract(epoch from w.begins)::bigint,
    'to', extract(epoch from w.begins)::bigint + :duration,
    'scheduleStart', vg.z(w.begins),
    'timeZone', case when coalesce(:clock, 'STATION') = 'STATION' then w.zone else 'UTC' end,
    'unit', :unit,
    'clock', case
        when coalesce(:clock, 'STATION') = 'STATION'
        then charging.zone_clock(w.zone, w.begins - interval '9 days',
            w.begins + make_interval(secs => :duration) + interval '8 days')
    end,
    'profiles', (
        select coalesce(json_agg(json_build_object(
            'purpose', p.purpose,
            'kind', p.kind,
            'connector', p.connector_number,
            'stackLevel', p.stack_level,
            'recurrency', p.recurrency,
            'transaction', p.transaction_id,
            'validFrom', ceil(extract(epoch from p.valid_from))::bigint,
            'validTo', ceil(extract(epoch from p.valid_to))::bigint,
            'start', floor(extract(epoch from p.start_schedule))::bigint,
            'offset', case
                when coalesce(:clock, 'STATION') = 'STATION' then charging.zone_offset(w.zone, p.start_schedule)
                else 0
            end,
            'duration', p.duration,
            'unit', p.rate_unit,
            'steps', (
                select json_agg(json_build_object(
                    'start', s.start_period,
                    'limit', s.rate::text,
                    'phases', s.phases) order by s.start_period)
                from charging.charging_period s
                where s.charging_profile_id = p.id)) order by p.id), '[]')
        from charging.charging_profile p
        where p.charge_point_id = :id
            and p.status = 'ACCEPTED'
            and p.connector_number in (0, :connectorNumber))) as body
from place w
left join running r on true;
