-- in: operatorId, customerId, companyId, country, timeZone, endTime, costs
-- out: the costs, each line with its rate of tax on that day there, the standard rate (null: none is known), and the
-- digits of the currency; what the payer's subscriptions give: kWh that are left, per cent (null: nothing)
select json_build_object(
    'costs', billing.costs_taxed(:costs, :country, coalesce(:endTime, :eventTime), :timeZone),
    'minorUnits', billing.minor_units(:costs ->> 'currency'),
    'taxRate', billing.tax_rate_at(:country, 'STANDARD', coalesce(:endTime, :eventTime), :timeZone),
    'includedKwh', g.kwh,
    'discountPercent', g.percent) as body
from (
    select sum(a.included_kwh - a.used_kwh) as kwh,
        max(a.discount_percent) as percent
    from billing.allowances(:customerId, :companyId, :operatorId, :costs ->> 'currency', coalesce(:endTime, :eventTime)) a) g;
