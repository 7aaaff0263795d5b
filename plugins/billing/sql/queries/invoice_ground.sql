-- in: country, timeZone, endTime
-- out: the standard rate of tax on that day there; null: none is known
select json_build_object('taxRate',
    billing.tax_rate_at(:country, 'STANDARD', coalesce(:endTime, :eventTime), :timeZone)) as body;
