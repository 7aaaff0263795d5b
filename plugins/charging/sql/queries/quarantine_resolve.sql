-- in: id, note
-- out: ok, the message
-- refuses: not_found
-- Resolving again changes the note's author and text: the last word counts.
with settled as (
    update charging.quarantine as q
    set resolved_at = :now,
        resolved_by = :callerId,
        note = :note,
        version = q.version + 1
    where q.id = :id
        and :callerRole in ('admin', 'operator')
        and vg.visible(:callerRole, :callerId, :callerCompany, null, q.operator_id, null)
    returning charging.quarantine_body(q) as body
), answer (status, body, events) as (
    select case when s.body is null then 'not_found' else 'ok' end,
        s.body,
        null::jsonb
    from (select) one
    left join settled s on true
)
select * from answer;
