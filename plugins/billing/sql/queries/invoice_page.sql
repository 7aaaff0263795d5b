-- in: id
-- out: the invoice, with whom it is between; of those null: not known yet
select json_build_object(
    'invoice', j.body,
    'minorUnits', billing.minor_units(j.body ->> 'currency')::text,
    'seller', p.seller,
    'buyer', p.buyer) as body
from billing.paper_json j
left join billing.invoice_party p on p.invoice_id = j.id
where j.id = :id
    and vg.visible(:callerRole, :callerId, :callerCompany, j.to_customer, j.issuer, j.to_company);
