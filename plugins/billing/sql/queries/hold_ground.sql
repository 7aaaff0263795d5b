-- in: country, timeZone, costs
-- out: the standard rate of tax today there (null: none is known), and the digits of the currency
select json_build_object(
    'minorUnits', billing.minor_units(:costs ->> 'currency'),
    'taxRate', billing.tax_rate_at(:country, 'STANDARD', :now, :timeZone)) as body;
