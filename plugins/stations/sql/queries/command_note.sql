-- in: id, action; :outcome is the charger's answer
-- out: action and result
-- Runs after the charger answered. A charge point that was removed meanwhile
-- is written down all the same.
with noted as (
    insert into stations.command (id, charge_point_id, action, result, caller_id, at)
    values (:newId, :id, :action, :outcome, :callerId, :now)
    returning action, result
), answer (status, body, events) as (
    select
        'ok',
        json_build_object('action', n.action, 'result', n.result),
        null::jsonb
    from noted as n
)
select * from answer;
