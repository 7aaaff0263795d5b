-- in: customerId, companyId, from, to (when sessions ended)
-- out: what customers used, by month and currency, the latest month first
select json_build_object(
        'id', u.place,
        'month', u.month,
        'customerId', u.customer_id,
        'companyId', u.company_id,
        'currency', u.currency,
        'sessions', count(*),
        'energyKwh', sum(u.energy_kwh),
        'seconds', sum(u.seconds),
        'amount', coalesce(sum(u.amount), 0)) as body,
    u.place as cursor
from billing.usage u
where vg.visible(:callerRole, :callerId, :callerCompany, u.customer_id, u.operator_id, u.company_id)
    and (:customerId is null or u.customer_id = :customerId)
    and (:companyId is null or u.company_id = :companyId)
    and (:from is null or u.ended_at >= :from)
    and (:to is null or u.ended_at < :to)
    and (:cursor is null or u.place < :cursor)
group by u.place, u.month, u.customer_id, u.company_id, u.currency
order by u.place desc
limit :limit;
