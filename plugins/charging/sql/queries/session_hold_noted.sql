-- in: sessionId, stops; billing's answer, as :outcome, none where it was not
-- asked
-- out: ok
-- What is refused leaves a row in vg.job: see charging.hold_stop().
with noted as materialized (
    select charging.hold_note(:sessionId, coalesce(nullif(:outcome, 'null'), '{"status": "NONE"}'), :stops, :now,
        :correlationId) as decided
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
