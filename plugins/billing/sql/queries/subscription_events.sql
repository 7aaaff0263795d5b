-- in: id
-- out: its history, oldest first; nothing where it is not the caller's to see
select json_build_object(
        'version', e.version,
        'type', e.type,
        'data', e.data,
        'actorId', e.actor,
        'at', vg.z(e.at),
        'correlationId', e.correlation_id) as body,
    e.version::text as cursor
from billing.event_store e
join billing.subscription s on s.id = e.aggregate
where e.aggregate = :id
    and vg.visible(:callerRole, :callerId, :callerCompany, s.customer_id, s.issuer, s.company_id)
    and (:cursor is null or e.version > case when :cursor ~ '^[0-9]{1,9}$' then :cursor::int end)
order by e.version
limit :limit;
