-- in: country, timeZone, costs
-- out: as invoice_ground.sql, by the rates of today
select json_build_object(
    'costs', billing.costs_taxed(:costs, :country, :now, :timeZone),
    'minorUnits', billing.minor_units(:costs ->> 'currency'),
    'taxRate', billing.tax_rate_at(:country, 'STANDARD', :now, :timeZone)) as body;
