-- in: country, alpha3, kind, validFrom, rate
-- out: created, the rate
-- refuses: tax_rate_known, tax_rate_past, tax_country_unknown
-- A day that has begun somewhere is past: invoices of it may be out.
with known as (
    select min(t.alpha3) as alpha3
    from billing.tax_rate as t
    where t.country = :country
), refused as (
    select 'tax_rate_past' as status
    where :validFrom::date <= (:now at time zone 'Pacific/Kiritimati')::date
    union all
    select 'tax_country_unknown'
    from known as k
    where k.alpha3 is null and :alpha3 is null
        or k.alpha3 <> :alpha3
        or exists (
            select
            from billing.tax_rate as o
            where o.alpha3 = :alpha3 and o.country <> :country)
    limit 1
), made as (
    insert into billing.tax_rate as t (country, alpha3, kind, valid_from, rate)
    select :country, coalesce(k.alpha3, :alpha3), coalesce(:kind, 'STANDARD'), :validFrom::date, :rate
    from known as k
    where not exists (select from refused)
    returning t.country, t.alpha3, t.kind, t.valid_from, t.rate
), answer (status, body, events) as (
    select 'created', json_build_object(
        'id', concat_ws('/', m.country, m.kind, m.valid_from),
        'country', m.country,
        'alpha3', m.alpha3,
        'kind', m.kind,
        'validFrom', m.valid_from,
        'rate', m.rate), null::jsonb
    from made as m
    union all
    select r.status, null, null
    from refused as r
)
select * from answer;
