-- in: subject, subjectKind, status, version
-- out: ok; reservation.unpaid.v1
with noted as materialized (
    select reservations.hold_note(:subject, jsonb_build_object('status', :status, 'version', :version), :now) as events
    where :subjectKind = 'RESERVATION'
), answer (status, body, events) as (
    select 'ok', null::json, (select n.events from noted n)
)
select * from answer;
