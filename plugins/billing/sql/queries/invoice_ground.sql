-- in: country, timeZone, endTime, costs
-- out: the costs, each line with its rate of tax on that day there, the standard rate (null: none is known), and the
-- digits of the currency
select json_build_object(
    'costs', billing.costs_taxed(:costs, :country, coalesce(:endTime, :eventTime), :timeZone),
    'minorUnits', billing.minor_units(:costs ->> 'currency'),
    'taxRate', billing.tax_rate_at(:country, 'STANDARD', coalesce(:endTime, :eventTime), :timeZone)) as body;
