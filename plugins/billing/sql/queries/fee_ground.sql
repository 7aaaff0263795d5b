-- in: country, timeZone, costs, fee
-- out: the costs that are the fee's (none: none is due), the rate of tax on them, the digits of the currency
-- A least price is a charging session's: who did not charge does not owe it.
select json_build_object(
    'costs', case when :fee > 0 then jsonb_set(:costs, '{lines}', (
        select coalesce(jsonb_agg(l.value order by l.position), '[]')
        from jsonb_array_elements(:costs -> 'lines') with ordinality as l (value, position)
        where l.value ->> 'type' <> 'MIN_PRICE')) end,
    'minorUnits', billing.minor_units(:costs ->> 'currency'),
    'taxRate', billing.tax_rate_at(:country, 'RESERVATION', :eventTime, :timeZone)) as body;
