-- in: sessionId, stops; billing's answer, as :outcome, none where it was not
-- asked
-- out: ok
with noted as materialized (
    select n.decided, n.stopped
    from charging.hold_note(:sessionId, coalesce(nullif(:outcome, 'null'), '{"status": "NONE"}'), :stops, :now) n
), asked as (
    insert into vg.job (plugin, kind, payload, correlation_id)
    select :vgPlugin, 'charging.stop', jsonb_build_object('sessionId', :sessionId), :correlationId
    from noted n
    where n.stopped
), answer (status, body, events) as (
    select 'ok',
        null::json,
        case
            when n.decided
            then jsonb_build_array(
                jsonb_build_object('wake', :sessionId),
                jsonb_build_object('saga', 'charging.start', 'id', :sessionId))
        end
    from (select) one
    left join noted n on true
)
select * from answer;
