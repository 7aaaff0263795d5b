-- Rates of value added tax (GST in AU, IN, NZ; consumption tax in JP), in per
-- cent, by country and kind of supply, from the day on which each came into
-- force. They are used where a tariff names no VAT of its own. A kind without
-- rows is taxed as STANDARD; a country that is not here at 0, and its invoices
-- are marked. A rate is changed by a new row, and the past never.

create table billing.tax_rate (
    country    text    not null,            -- ISO 3166-1 alpha-2
    alpha3     text    not null,
    kind       text    not null default 'STANDARD',   -- or a kind of invoice lines: ENERGY, SUBSCRIPTION ...
    valid_from date    not null,
    rate       numeric,                     -- NULL: from then on as STANDARD
    constraint tax_rate_known primary key (country, kind, valid_from),
    constraint tax_rate_country check (country ~ '^[A-Z]{2}$' and alpha3 ~ '^[A-Z]{3}$'),
    constraint tax_rate_kind check (kind ~ '^[A-Z][A-Z_]{0,39}$'),
    constraint tax_rate_range check (rate >= 0 and rate < 100),
    constraint tax_rate_standard check (kind <> 'STANDARD' or rate is not null)
);
revoke update, delete on billing.tax_rate from vg_billing;

insert into billing.tax_rate (country, alpha3, valid_from, rate)
values
    ('AE', 'ARE', '2018-01-01', 5),
    ('AT', 'AUT', '1984-01-01', 20),
    ('AU', 'AUS', '2000-07-01', 10),
    ('BE', 'BEL', '1996-01-01', 21),
    ('BG', 'BGR', '1999-01-01', 20),
    ('BH', 'BHR', '2022-01-01', 10),
    ('CH', 'CHE', '2018-01-01', 7.7),
    ('CH', 'CHE', '2024-01-01', 8.1),
    ('CY', 'CYP', '2014-01-13', 19),
    ('CZ', 'CZE', '2013-01-01', 21),
    ('DE', 'DEU', '2007-01-01', 19),
    ('DE', 'DEU', '2020-07-01', 16),
    ('DE', 'DEU', '2021-01-01', 19),
    ('DK', 'DNK', '1992-01-01', 25),
    ('EE', 'EST', '2009-07-01', 20),
    ('EE', 'EST', '2024-01-01', 22),
    ('EE', 'EST', '2025-07-01', 24),
    ('ES', 'ESP', '2012-09-01', 21),
    ('FI', 'FIN', '2013-01-01', 24),
    ('FI', 'FIN', '2024-09-01', 25.5),
    ('FR', 'FRA', '2014-01-01', 20),
    ('GB', 'GBR', '2011-01-04', 20),
    ('GR', 'GRC', '2016-06-01', 24),
    ('HR', 'HRV', '2012-03-01', 25),
    ('HU', 'HUN', '2012-01-01', 27),
    ('IE', 'IRL', '2021-03-01', 23),
    ('IN', 'IND', '2017-07-01', 18),
    ('IS', 'ISL', '2015-01-01', 24),
    ('IT', 'ITA', '2013-10-01', 22),
    ('JP', 'JPN', '2019-10-01', 10),
    ('KW', 'KWT', '1970-01-01', 0),
    ('LI', 'LIE', '2018-01-01', 7.7),
    ('LI', 'LIE', '2024-01-01', 8.1),
    ('LT', 'LTU', '2009-09-01', 21),
    ('LU', 'LUX', '2023-01-01', 16),
    ('LU', 'LUX', '2024-01-01', 17),
    ('LV', 'LVA', '2012-07-01', 21),
    ('MT', 'MLT', '2004-01-01', 18),
    ('NL', 'NLD', '2012-10-01', 21),
    ('NO', 'NOR', '2005-01-01', 25),
    ('NZ', 'NZL', '2010-10-01', 15),
    ('PL', 'POL', '2011-01-01', 23),
    ('PT', 'PRT', '2011-01-01', 23),
    ('RO', 'ROU', '2017-01-01', 19),
    ('RO', 'ROU', '2025-08-01', 21),
    ('SA', 'SAU', '2020-07-01', 15),
    ('SE', 'SWE', '1990-07-01', 25),
    ('SI', 'SVN', '2013-07-01', 22),
    ('SK', 'SVK', '2011-01-01', 20),
    ('SK', 'SVK', '2025-01-01', 23);

-- Where a kind is taxed by a rate of its own. Ireland: charging is a supply of
-- electricity (its Revenue, 16 June 2020), which has a reduced rate, lowered
-- from May 2022 to the end of 2030.
insert into billing.tax_rate (country, alpha3, kind, valid_from, rate)
values
    ('IE', 'IRL', 'ENERGY', '2020-06-16', 13.5),
    ('IE', 'IRL', 'ENERGY', '2022-05-01', 9),
    ('IE', 'IRL', 'ENERGY', '2031-01-01', 13.5);


-- tax_rate_at(country, kind, at, time_zone): per cent, on that day by the clock
-- of that zone (NULL: UTC); country in two or three letters. NULL: not known.
create function billing.tax_rate_at(country text, kind text, at timestamptz, time_zone text) returns numeric
language plpgsql stable parallel safe
set search_path = '' as $$
declare
    day   date := (tax_rate_at.at at time zone coalesce(tax_rate_at.time_zone, 'UTC'))::date;
    which text;
    found numeric;
begin
    foreach which in array array[tax_rate_at.kind, 'STANDARD'] loop
        select t.rate into found
        from billing.tax_rate as t
        where pg_catalog.upper(tax_rate_at.country) in (t.country, t.alpha3)
            and t.kind = which
            and t.valid_from <= day
        order by t.valid_from desc
        limit 1;
        exit when found is not null;
    end loop;
    return found;
end
$$;

-- line_kind(line): of what kind a line of costs or of an invoice is
create function billing.line_kind(line jsonb) returns text
language sql immutable parallel safe
return coalesce(line ->> 'kind', case when line ->> 'reservation' is null then line ->> 'type' else 'RESERVATION' end);

-- costs_taxed(costs, country, at, time_zone): the same, and each line has a
-- rate: its own `vat`; else its kind's, as tax_rate_at() has it, where one is
-- known. Of what was reserved the kind is RESERVATION.
create function billing.costs_taxed(costs jsonb, country text, at timestamptz, time_zone text) returns jsonb
language plpgsql stable parallel safe
set search_path = '' as $$
declare
    rates jsonb;                            -- by kind
begin
    if pg_catalog.jsonb_typeof(costs -> 'lines') is distinct from 'array' then
        return costs;
    end if;
    select pg_catalog.jsonb_object_agg(k.kind, billing.tax_rate_at(costs_taxed.country, k.kind, costs_taxed.at, costs_taxed.time_zone))
    into rates
    from (
        select distinct billing.line_kind(l.value) as kind
        from pg_catalog.jsonb_array_elements(costs -> 'lines') as l (value)
        where l.value ->> 'vat' is null) as k
    where k.kind is not null;
    if rates is null then
        return costs;
    end if;
    return pg_catalog.jsonb_set(costs, '{lines}', (
        select pg_catalog.jsonb_agg(case
                when l.value ->> 'vat' is null
                then l.value || pg_catalog.jsonb_build_object('vat', rates -> billing.line_kind(l.value))
                else l.value
            end order by l.position)
        from pg_catalog.jsonb_array_elements(costs -> 'lines') with ordinality as l (value, position)));
end
$$;
