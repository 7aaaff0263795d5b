-- in: id
-- out: the credit note as invoice_page.sql has an invoice, with the number of what it corrects; of one that names no lines, a line for each rate
select json_build_object(
    'invoice', j.body::jsonb || jsonb_build_object('lines', coalesce((
        select jsonb_agg(jsonb_build_object(
            'type', l.type,
            'kind', l.kind,
            'text', l.text,
            'reservation', l.reservation,
            'taxRate', l.tax_rate,
            'amount', c.amount) order by c.position)
        from billing.credit_note_line c
        join billing.invoice_line l on l.invoice_id = j.invoice_id and l.position = c.of_line
        where c.credit_note_id = j.id), (
        select jsonb_agg(jsonb_build_object(
            'type', 'CREDIT',
            'taxRate', t.rate,
            'amount', t.base) order by t.rate desc)
        from billing.credit_note_tax t
        where t.credit_note_id = j.id))),
    'corrects', i.number,
    'minorUnits', i.minor_units::text,
    'seller', p.seller,
    'buyer', p.buyer) as body
from billing.credit_note_json j
join billing.invoice i on i.id = j.invoice_id
left join billing.invoice_party p on p.invoice_id = j.invoice_id
where j.id = :id
    and vg.visible(:callerRole, :callerId, :callerCompany, j.customer_id, j.issuer, j.company_id);
