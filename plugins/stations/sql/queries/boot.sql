-- in: chargePoint, the fields of BootNotification, heartbeatInterval (seconds)
-- out: ok, BootNotification.conf
with charge_point as (
    select p.id, p.station_id is null as pending
    from stations.charge_point as p
    where p.id = :chargePoint
), link as (
    insert into stations.link as l (
        charge_point_id, last_seen, booted_at, vendor, model, serial_number, box_serial_number,
        firmware_version, iccid, imsi, meter_type, meter_serial_number)
    select
        p.id, :now, :now, :chargePointVendor, :chargePointModel, :chargePointSerialNumber,
        :chargeBoxSerialNumber, :firmwareVersion, :iccid, :imsi, :meterType, :meterSerialNumber
    from charge_point as p
    on conflict (charge_point_id) do update
    set last_seen = excluded.last_seen,
        booted_at = excluded.booted_at,
        vendor = excluded.vendor,
        model = excluded.model,
        serial_number = excluded.serial_number,
        box_serial_number = excluded.box_serial_number,
        firmware_version = excluded.firmware_version,
        iccid = excluded.iccid,
        imsi = excluded.imsi,
        meter_type = excluded.meter_type,
        meter_serial_number = excluded.meter_serial_number
    returning l.charge_point_id
), answer (status, body, events) as (
    select
        'ok',
        json_build_object(
            'status', case
                when not exists (select from link) then 'Rejected'
                when (select p.pending from charge_point as p) then 'Pending'
                else 'Accepted'
            end,
            -- whole seconds: some firmware cannot read fractions
            'currentTime', vg.z(date_trunc('second', :now)),
            'interval', :heartbeatInterval),
        null::jsonb
)
select * from answer;
