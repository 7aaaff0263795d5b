-- in: subject, subjectKind, status, failure, net, version, stops
-- out: ok
with noted as materialized (
    select n.decided, n.stopped
    from charging.hold_note(:subject, jsonb_build_object('status', :status, 'failure', :failure, 'net', :net,
        'version', :version), :stops, :now) n
    where :subjectKind = 'SESSION'
), asked as (
    insert into vg.job (plugin, kind, payload, correlation_id)
    select :vgPlugin, 'charging.stop', jsonb_build_object('sessionId', :subject), :correlationId
    from noted n
    where n.stopped
), answer (status, body, events) as (
    select 'ok',
        null::json,
        case
            when n.decided
            then jsonb_build_array(
                jsonb_build_object('wake', :subject),
                jsonb_build_object('saga', 'charging.start', 'id', :subject))
        end
    from (select) one
    left join noted n on true
)
select * from answer;
