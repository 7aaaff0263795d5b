-- What others told about the use of our connectors: the session that runs,
-- the reservations to come. Copies, kept by events; ids and times alone.


create table stations.running (
    connector_id uuid        not null,
    session_id   uuid        not null,
    since        timestamptz,
    constraint running_pkey primary key (connector_id),
    constraint running_session unique (session_id)
) with (fillfactor = 50);


create table stations.booking (
    reservation_id uuid        not null,
    connector_id   uuid        not null,
    status         text        not null,
    start_time     timestamptz not null,
    end_time       timestamptz not null,
    constraint booking_pkey primary key (reservation_id)
);
create index booking_connector on stations.booking (connector_id, start_time);


-- connector_state(connector, moment): all that is known of it at that moment.
create function stations.connector_state(c stations.connector, moment timestamptz) returns json
language sql stable
begin atomic
    select json_build_object(
        'connectorId', c.id,
        'stationId', c.station_id,
        'chargePointId', c.charge_point_id,
        'connectorNumber', c.number,
        'type', c.type,
        'powerType', c.power_type,
        'maxPowerKw', c.max_power_kw,
        'status', coalesce(t.status, 'Unavailable'),
        'errorCode', coalesce(t.error_code, 'NoError'),
        'info', t.info,
        'since', vg.z(t.since),
        'connected', stations.link_connected(l),
        'lastSeen', vg.z(l.last_seen),
        'currentSession', case
            when r.session_id is not null then json_build_object('sessionId', r.session_id, 'startTime', vg.z(r.since))
        end,
        'nextReservation', (
            select json_build_object(
                'reservationId', b.reservation_id,
                'status', b.status,
                'startTime', vg.z(b.start_time),
                'endTime', vg.z(b.end_time))
            from stations.booking as b
            where b.connector_id = c.id
                and b.end_time > moment
                and b.status in ('PENDING', 'CONFIRMED')
            order by b.start_time
            limit 1))
    from (values (0)) as one (row)
    left join stations.connector_status as t
        on t.charge_point_id = c.charge_point_id
        and t.number = c.number
    left join stations.link as l on l.charge_point_id = c.charge_point_id
    left join stations.running as r on r.connector_id = c.id;
end;
