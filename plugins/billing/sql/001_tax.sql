-- Standard rates of value added tax (GST in AU, IN, NZ; consumption tax in
-- JP), in per cent, from the day on which each came into force. They are used
-- where a tariff names no VAT of its own. A country that is not here is
-- taxed at 0 and its invoices are marked; a rate is changed by a new row.

create table billing.tax_rate (
    country    text    not null,            -- ISO 3166-1 alpha-2
    alpha3     text    not null,
    valid_from date    not null,
    rate       numeric not null,
    constraint tax_rate_pkey primary key (country, valid_from),
    constraint tax_rate_range check (rate >= 0 and rate < 100)
);

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
