-- in: chargePointId; the charger's answer as :outcome, or why there is none,
-- as :reason
-- out: ok
-- Accepted: it holds what was sent, and is looked at again. VersionMismatch,
-- Failed, an error or silence: what it holds is not known, so the next one is
-- full; at once after a mismatch, which is no fault of the moment, later and
-- later after the others. A charge point that was not there got nothing.
with found as (
    select l.charge_point_id,
        l.sending,
        s.said,
        s.said = 'Accepted' or s.said = 'VersionMismatch' and l.tries = 0 as again
    from charging.local_list l
    cross join (select coalesce(:outcome ->> 'status', :reason, 'Failed') as said) s
    where l.charge_point_id = :chargePointId
        and l.sending is not null
), took as (
    select charging.local_list_took(f.charge_point_id, f.sending) as done
    from found f
    where f.said = 'Accepted'
), noted as (
    update charging.local_list l
    set sending = null,
        list_version = case when f.said = 'Accepted' then (f.sending ->> 'listVersion')::int else l.list_version end,
        full_due = case
            when f.said = 'Accepted' then false
            when f.said in ('not_connected', 'busy') then l.full_due
            else true
        end,
        due = f.said <> 'NotSupported',
        tries = case when f.said = 'Accepted' then 0 else l.tries + 1 end,
        next_at = case
            when f.again then :now + interval '90 seconds'
            else :now + least(interval '15 minutes', interval '10 seconds' * power(2, least(l.tries, 10)))
        end,
        status = case f.said
            when 'Accepted' then 'SENT'
            when 'VersionMismatch' then 'VERSION_MISMATCH'
            when 'NotSupported' then 'NOT_SUPPORTED'
            when 'not_connected' then 'NOT_CONNECTED'
            else 'FAILED'
        end,
        answered_at = case when :reason is null then :now else l.answered_at end
    from found f
    where l.charge_point_id = f.charge_point_id
), answer (status, body, events) as (
    select 'ok',
        null::json,
        (select jsonb_build_array(charging.local_list_event(f.charge_point_id)) from found f where f.again)
    from (select) one
    left join took t on true
)
select * from answer;
