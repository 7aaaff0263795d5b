-- in: subject, subjectKind, status, failure, net, version, stops
-- out: ok
-- What is refused leaves a row in vg.job: see charging.hold_stop().
with noted as materialized (
    select charging.hold_note(:subject, jsonb_build_object('status', :status, 'failure', :failure, 'net', :net,
        'version', :version), :stops, :now, :correlationId) as decided
    where :subjectKind = 'SESSION'
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
