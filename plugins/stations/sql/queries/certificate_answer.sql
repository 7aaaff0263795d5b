-- in: requestId, certificateChain; :outcome is the charger's answer
-- out: ok, the request
-- refuses: not_found
--
-- Runs after the charger answered. One that was superseded meanwhile stays so:
-- the chain is written down with it all the same.
with answered as (
    update stations.certificate_request as r
    set status = case
            when r.status <> 'PENDING' then r.status
            when :outcome ->> 'status' = 'Accepted' then 'ACCEPTED'
            else 'REJECTED'
        end,
        chain = :certificateChain,
        answered_by = :callerId,
        answered_at = :now
    where r.id = :requestId
    returning stations.certificate_request_body(r) as body
), answer (status, body, events) as (
    select 'ok', a.body, null::jsonb
    from answered as a
    union all
    select 'not_found', null, null
    where not exists (select from answered)
)
select * from answer;
