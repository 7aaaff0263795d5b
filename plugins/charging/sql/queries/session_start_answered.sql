-- in: sessionId; the charger's answer to RemoteStartTransaction, as :outcome
-- out: ok
-- refuses: rejected
-- Accepted is not yet charging: that is what the charger's Start says. Without
-- an answer the charger was not asked, since it had started already.
with answered as (
    update charging.session s
    set accepted_at = :now,
        version = s.version + 1
    where s.id = :sessionId
        and s.status in ('PENDING', 'STARTING')
        and :outcome ->> 'status' = 'Accepted'
    returning s.id
), answer (status, body, events) as (
    select case
            when :outcome is null or :outcome ->> 'status' = 'Accepted' then 'ok'
            else 'rejected'
        end,
        null::json,
        (select jsonb_agg(jsonb_build_object('wake', a.id)) from answered a)
)
select * from answer;
