-- in: sessionId, stopDeadline; the charger's answer to RemoteStopTransaction,
-- as :outcome, none where it was not asked
-- out: ok
-- refuses: rejected
-- Who rejects it is asked again, so that is no answer: it raises, and the job
-- stays.
with running as (
    select s.id,
        :outcome ->> 'status' is not distinct from 'Accepted' as accepted
    from charging.session s
    where s.id = :sessionId
        and s.status in ('ACTIVE', 'SUSPENDED', 'STOPPING')
        and s.stop_received_at is null
        and :outcome is not null
    for update
), stopping as (
    update charging.session s
    set status = 'STOPPING',
        failure = null,
        stop_deadline = :now + make_interval(secs => :stopDeadline),
        version = s.version + 1
    from running r
    where s.id = r.id
        and r.accepted
    returning s.id
), answer (status, body, events) as (
    select case
            when exists (select from running r where not r.accepted) then charging.refused('rejected')
            else 'ok'
        end,
        null::json,
        (select jsonb_agg(jsonb_build_object('wake', p.id)) from stopping p)
)
select * from answer;
