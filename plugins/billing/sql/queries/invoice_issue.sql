-- in: sessionId, operatorId, customerId, companyId, country, startTime, endTime, energyKwh, invoice
-- out: ok
-- One invoice for a session, whatever is told how often. Nothing to pay (or
-- nobody to pay it to) makes none, and draws no number.
with drawn as (
    insert into billing.issuer as i (issuer, last_number)
    select :operatorId, 1
    where :invoice is not null
        and :operatorId is not null
        and not exists (
            select
            from billing.invoice v
            where v.session_id = :sessionId)
    on conflict on constraint issuer_pkey do update
    set last_number = i.last_number + 1
    returning i.issuer,
        i.prefix,
        i.last_number
), made as (
    insert into billing.invoice as v (id, issuer, sequence, number, session_id, customer_id, company_id,
        currency, minor_units, net, tax, total, tax_unknown, country,
        supplied_from, supplied_to, energy_kwh, issued_at)
    select :newId, d.issuer, d.last_number,
        d.prefix || lpad(d.last_number::text, greatest(8, length(d.last_number::text)), '0'),
        :sessionId, :customerId, :companyId,
        :invoice ->> 'currency', (:invoice ->> 'minorUnits')::int, (:invoice ->> 'net')::numeric,
        (:invoice ->> 'tax')::numeric, (:invoice ->> 'total')::numeric, (:invoice ->> 'taxUnknown')::boolean,
        :country, :startTime, :endTime, :energyKwh, :now
    from drawn d
    returning v.id,
        jsonb_build_object(
            'type', 'invoice.created.v1',
            'aggregateId', v.id::text,
            'payload', jsonb_build_object(
                'invoiceId', v.id,
                'number', v.number,
                'issuer', v.issuer,
                'operatorId', v.issuer,
                'sessionId', v.session_id,
                'customerId', v.customer_id,
                'companyId', v.company_id,
                'status', v.status,
                'total', v.total,
                'currency', v.currency)) as event
), lined as (
    insert into billing.invoice_line (invoice_id, position, type, reservation, unit, price, volume, tax_rate, amount)
    select m.id, l.position, l.value ->> 'type', l.value ->> 'reservation', l.value ->> 'unit',
        (l.value ->> 'price')::numeric, (l.value ->> 'volume')::numeric,
        (l.value ->> 'taxRate')::numeric, (l.value ->> 'amount')::numeric
    from made m
    cross join jsonb_array_elements(:invoice -> 'lines') with ordinality as l (value, position)
), taxed as (
    insert into billing.invoice_tax (invoice_id, rate, base, amount)
    select m.id, (t.value ->> 'rate')::numeric, (t.value ->> 'base')::numeric, (t.value ->> 'amount')::numeric
    from made m
    cross join jsonb_array_elements(:invoice -> 'taxes') t
), answer (status, body, events) as (
    select 'ok', null::json, (select jsonb_agg(m.event) from made m)
)
select * from answer;
