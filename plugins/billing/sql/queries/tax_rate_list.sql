-- in: country, kind
-- out: rates of tax, by country, kind and day
select json_build_object(
        'id', concat_ws('/', t.country, t.kind, t.valid_from),
        'country', t.country,
        'alpha3', t.alpha3,
        'kind', t.kind,
        'validFrom', t.valid_from,
        'rate', t.rate) as body,
    concat_ws('/', t.country, t.kind, t.valid_from) as cursor
from billing.tax_rate as t
where (:country is null or :country in (t.country, t.alpha3))
    and (:kind is null or t.kind = :kind)
    and (:cursor is null or (t.country, t.kind, t.valid_from::text)
        > (split_part(:cursor, '/', 1), split_part(:cursor, '/', 2), split_part(:cursor, '/', 3)))
order by t.country, t.kind, t.valid_from
limit :limit;
