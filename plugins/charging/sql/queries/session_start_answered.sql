-- in: the charger's answer to RemoteStartTransaction, as :outcome; or why it
-- could not be asked, as :reason
-- out: ok
-- Accepted is not yet charging: that is what the charger's Start says.
with answered as (
    update charging.session s
    set status = case when :outcome ->> 'status' = 'Accepted' then s.status else 'FAILED' end,
        accepted_at = case when :outcome ->> 'status' = 'Accepted' then :now end,
        failure = case
            when :outcome ->> 'status' = 'Accepted' then s.failure
            else coalesce(:reason, 'rejected')
        end,
        version = s.version + 1
    where s.id = :newId
        and s.status in ('PENDING', 'STARTING')
    returning case s.status
            when 'FAILED' then charging.session_event(s, 'charging.session.failed.v1')
            else jsonb_build_object('wake', s.id)
        end as event
), answer (status, body, events) as (
    select 'ok', null::json, (select jsonb_agg(a.event) from answered a)
)
select * from answer;
