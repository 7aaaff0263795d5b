-- Money that billing holds for a reservation: what it said last, and what the
-- reservation is expected to cost.

alter table reservations.reservation
    add column hold_status  text,           -- NONE, PENDING, HELD, REFUSED …; NULL: not asked yet
    add column hold_version int,            -- billing's: later is newer
    add column hold_at      timestamptz;    -- it is asked for then; NULL: it was, or need not be
create index reservation_unheld on reservations.reservation (hold_at) where hold_at is not null;

-- expected(row): what `pricing.rate` is asked about all that a reservation may
-- cost: its keeping for as long as it may stay unused, then a session of the
-- whole booked time at the connector's power (22 kW, where it does not say).
-- NULL: no tariff.
create function reservations.expected(r reservations.reservation) returns json
language plpgsql stable as $$
declare
    unused constant interval := r.expires_at - r.start_time;
    hours  constant numeric  := extract(epoch from r.end_time - r.start_time) / 3600;
begin
    return (
        select json_build_object(
            'tariff', t.tariff,
            'start_date_time', vg.z(r.start_time - unused),
            'end_date_time', vg.z(r.end_time),
            'time_zone', c.time_zone,
            'charging_periods', json_build_array(
                json_build_object(
                    'start_date_time', vg.z(r.start_time - unused),
                    'dimensions', json_build_array(json_build_object(
                        'type', 'RESERVATION_TIME',
                        'volume', round(extract(epoch from unused) / 3600, 9)))),
                json_build_object(
                    'start_date_time', vg.z(r.start_time),
                    'dimensions', json_build_array(
                        json_build_object('type', 'ENERGY', 'volume', round(coalesce(c.max_power_kw, 22) * hours, 6)),
                        json_build_object('type', 'TIME', 'volume', round(hours, 9))))))
        from reservations.tariff t
        join reservations.connector c on c.connector_id = r.connector_id
        where t.tariff_version_id = r.tariff_version_id);
end
$$;

-- is_priced(version): a tariff with a price above zero; false where none is known
create function reservations.is_priced(version uuid) returns boolean
language plpgsql stable as $$
begin
    return exists (
        select
        from reservations.tariff t
        where t.tariff_version_id = version
            and (t.tariff ? 'min_price'
                or jsonb_path_exists(t.tariff, '$.elements[*].price_components[*].price ? (@ > 0)')));
end
$$;

-- hold_note(reservation, said, moment): what billing said last of its hold,
-- whichever came last. Answers what is to be done where it was refused, NULL:
-- nothing.
create function reservations.hold_note(about uuid, said jsonb, moment timestamptz) returns jsonb
language plpgsql as $$
declare
    r reservations.reservation;
begin
    update reservations.reservation t
    set hold_status = said ->> 'status',
        hold_version = coalesce((said ->> 'version')::int, 0)
    where t.id = about
        and coalesce((said ->> 'version')::int, 0) > coalesce(t.hold_version, -1)
    returning t.* into r;
    if r.hold_status = 'REFUSED' and r.status in ('PENDING', 'CONFIRMED') then
        return jsonb_build_array(reservations.order_event(r, 'reservation.unpaid.v1'));
    end if;
    return null;
end
$$;
