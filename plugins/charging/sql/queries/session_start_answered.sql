-- in: sessionId; the charger's answer to RemoteStartTransaction, as :outcome
-- out: ok
-- refuses: rejected
-- Accepted is not yet charging: that is what the charger's Start says. Without
-- an answer the charger was not asked, since it had started already. Rejected
-- is no failure of what has begun: a tag that the driver showed, too, was there
-- first, and the connector is busy with just this session.
with waiting as (
    select s.id
    from charging.session s
    where s.id = :sessionId
        and s.status in ('PENDING', 'STARTING')
    for update
), answered as (
    update charging.session s
    set accepted_at = :now,
        version = s.version + 1
    from waiting w
    where s.id = w.id
        and :outcome ->> 'status' = 'Accepted'
    returning s.id
), answer (status, body, events) as (
    select case
            when :outcome is not null
                and :outcome ->> 'status' is distinct from 'Accepted'
                and exists (select from waiting)
            then 'rejected'
            else 'ok'
        end,
        null::json,
        (select jsonb_agg(jsonb_build_object('wake', a.id)) from answered a)
)
select * from answer;
