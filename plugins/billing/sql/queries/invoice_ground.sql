-- in: country, timeZone, endTime
-- out: the standard rate of tax on that day there; null: none is known
select json_build_object('taxRate', (
        select t.rate
        from billing.tax_rate t
        where upper(:country) in (t.country, t.alpha3)
            and t.valid_from <= (coalesce(:endTime, :eventTime) at time zone coalesce(:timeZone, 'UTC'))::date
        order by t.valid_from desc
        limit 1)) as body;
