-- in: date, provider (or null: each)
-- out: our books of that day, the provider's, and how they differ
select json_build_object(
    'date', :date,
    'items', json_agg(billing.reconciliation_body(r) order by r.provider)) as body
from billing.reconciliation r
where r.day = cast(:date as date)
    and (:provider is null or r.provider = :provider)
having count(*) > 0;
