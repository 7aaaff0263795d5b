-- in: lines, currency, country
-- out: what invoice.c makes an invoice of
select json_build_object(
    'costs', billing.draft_priced(null, :lines, :country, :currency, :now),
    'minorUnits', billing.minor_units(:currency)) as body;
