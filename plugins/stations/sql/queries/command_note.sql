-- in: id, action, body, salt and hash (of a password that it sets, else null); :outcome is the charger's answer
-- out: action and result; event charge_point.commanded.v1 for what others keep a copy of
--
-- Runs after the charger answered. A charge point that was removed meanwhile
-- is written down all the same. The payload is not: it may hold a password.
-- What began a transfer makes its row, which takes up what the charger said
-- of it since the command was sent, and ends older ones of its kind. A
-- security profile or a password that it took is what it has to come with from
-- then on.
with noted as (
    insert into stations.command (id, charge_point_id, action, result, caller_id, at)
    values (:newId, :id, :action, :outcome, :callerId, :now)
    returning action, result
), raised as (
    update stations.charge_point as p
    set security_profile = (:body #>> '{payload,value}')::int,
        version = p.version + 1,
        updated_at = :now
    where p.id = :id
        and :action = 'ChangeConfiguration'
        and lower(:body #>> '{payload,key}') = 'securityprofile'
        and :body #>> '{payload,value}' in ('1', '2', '3')
        and :outcome ->> 'status' in ('Accepted', 'RebootRequired')
        and p.security_profile < (:body #>> '{payload,value}')::int
    returning id
), rekeyed as (
    update stations.charge_point as p
    set salt = :salt,
        hash = :hash,
        version = p.version + 1,
        updated_at = :now
    where p.id = :id
        and :hash is not null
        and :outcome ->> 'status' in ('Accepted', 'RebootRequired')
), begun as (
    select b.kind, b.location, b.request_id, b.file_name
    from (values
        ('UpdateFirmware', 'FIRMWARE', :body #>> '{payload,location}', null::int, null::text, true),
        ('GetDiagnostics', 'DIAGNOSTICS', :body #>> '{payload,location}', null, :outcome ->> 'fileName',
            :outcome ->> 'fileName' <> ''),
        ('SignedUpdateFirmware', 'SIGNED_FIRMWARE', :body #>> '{payload,firmware,location}',
            (:body #>> '{payload,requestId}')::int, null,
            :outcome ->> 'status' in ('Accepted', 'AcceptedCanceled')),
        ('GetLog', 'LOG', :body #>> '{payload,log,remoteLocation}',
            (:body #>> '{payload,requestId}')::int, :outcome ->> 'filename',
            :outcome ->> 'status' in ('Accepted', 'AcceptedCanceled'))
    ) as b (action, kind, location, request_id, file_name, taken)
    join stations.charge_point as p on p.id = :id
    where b.action = :action
        and b.taken
), early as (
    select n.id, s.status, s.outcome, n.received_at
    from stations.notice as n
    join begun as b on true
    left join stations.transfer_status as s on s.kind = b.kind and s.status = n.payload ->> 'status'
    where n.charge_point_id = :id
        and n.received_at >= :now
        and n.action = case b.kind
            when 'FIRMWARE' then 'FirmwareStatusNotification'
            when 'SIGNED_FIRMWARE' then 'SignedFirmwareStatusNotification'
            when 'DIAGNOSTICS' then 'DiagnosticsStatusNotification'
            else 'LogStatusNotification'
        end
        and (b.request_id is null or n.payload ->> 'requestId' is null
            or n.payload ->> 'requestId' = b.request_id::text)
), newest as (
    select e.status, e.outcome, e.received_at
    from early as e
    where e.status is not null
    order by e.id desc
    limit 1
), made as (
    insert into stations.transfer (id, charge_point_id, kind, request_id, location, file_name, status, outcome,
        asked_by, asked_at, reported_at, ended_at)
    select
        :newId, :id, b.kind, b.request_id, stations.without_user(b.location), b.file_name,
        coalesce(n.status, 'Asked'), n.outcome, :callerId, :now, n.received_at,
        case when n.outcome is not null then n.received_at end
    from begun as b
    left join newest as n on true
    returning id
), taken as (
    update stations.notice as n
    set transfer_id = m.id,
        expected = true
    from made as m
    cross join early as e
    where n.id = e.id
), superseded as (
    update stations.transfer as t
    set outcome = 'SUPERSEDED',
        ended_at = :now
    from begun as b
    where t.charge_point_id = :id
        and t.kind = b.kind
        and t.outcome is null
), answer (status, body, events) as (
    select
        'ok',
        json_build_object('action', n.action, 'result', n.result),
        case when :action in ('SendLocalList', 'SetChargingProfile', 'ClearChargingProfile')
            then jsonb_build_array(jsonb_build_object(
                'type', 'charge_point.commanded.v1',
                'aggregateId', :id,
                'payload', jsonb_build_object(
                    'chargePointId', :id,
                    'operatorId', :row ->> 'operatorId',
                    'action', :action,
                    'payload', coalesce(:body -> 'payload', '{}'),
                    'result', :outcome,
                    'at', vg.z(:now))))
        end
    from noted as n
)
select * from answer;
