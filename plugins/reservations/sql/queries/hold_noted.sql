-- in: id; billing's answer, as :outcome, none where it was not asked
-- out: ok; reservation.unpaid.v1
with noted as materialized (
    select reservations.hold_note(:id, coalesce(nullif(:outcome, 'null'), '{"status": "NONE"}'), :now) as events
), answer (status, body, events) as (
    select 'ok', null::json, n.events
    from noted n
)
select * from answer;
