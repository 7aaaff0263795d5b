-- in: chargePoint, kind (of transfer), action, status, requestId, payload
-- out: ok, {}
--
-- The transfer meant is the one of that requestId, else the newest of its
-- kind. What is no move of it is kept and changes nothing; with none at all it
-- may be for one whose command is still being answered, which takes it up.
with meant as (
    select t.id, t.kind, t.status
    from stations.transfer as t
    where t.charge_point_id = :chargePoint
        and t.kind = :kind
        and (:requestId is null or t.request_id = :requestId)
    order by t.id desc
    limit 1
), moved as (
    update stations.transfer as t
    set status = :status,
        outcome = s.outcome,
        reported_at = :now,
        ended_at = case when s.outcome is not null then :now end
    from meant as m
    join stations.transfer_move as v on v.kind = m.kind and v.from_status = m.status and v.to_status = :status
    join stations.transfer_status as s on s.kind = m.kind and s.status = :status
    where t.id = m.id
        and t.outcome is distinct from 'SUPERSEDED'
    returning t.id
), noticed as (
    insert into stations.notice (id, charge_point_id, action, payload, transfer_id, expected, received_at)
    select
        :newId, p.id, :action, :payload, (select m.id from meant as m),
        :status = 'Idle' or exists (select from moved)
            or exists (select from meant as m where m.status = :status),
        :now
    from stations.charge_point as p
    where p.id = :chargePoint
), link as (
    update stations.link as l
    set firmware_status = case when :kind like '%FIRMWARE' then :status else l.firmware_status end,
        firmware_at = case when :kind like '%FIRMWARE' then :now else l.firmware_at end,
        diagnostics_status = case when :kind like '%FIRMWARE' then l.diagnostics_status else :status end,
        diagnostics_at = case when :kind like '%FIRMWARE' then l.diagnostics_at else :now end,
        last_seen = :now
    where l.charge_point_id = :chargePoint
), answer (status, body, events) as (
    select 'ok', '{}'::json, null::jsonb
)
select * from answer;
