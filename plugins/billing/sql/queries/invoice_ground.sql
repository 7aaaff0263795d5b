-- in: country, timeZone, endTime, costs
-- out: the standard rate of tax on that day there (null: none is known), and the digits of the currency
select json_build_object(
    'minorUnits', billing.minor_units(:costs ->> 'currency'),
    'taxRate', billing.tax_rate_at(:country, 'STANDARD', coalesce(:endTime, :eventTime), :timeZone)) as body;
