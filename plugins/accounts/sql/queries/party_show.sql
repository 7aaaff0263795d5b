-- in: customers, companies (ids)
-- out: who they are, as invoices name them (no more of a person than name and address); of who is not known, or
--     erased, nothing
select json_build_object(
    'customers', coalesce((
        select json_agg(json_build_object(
            'id', c.id,
            'name', coalesce(c.name, u.name),
            'address', c.billing_address))
        from accounts.customer as c
        left join accounts.users as u on u.id = vg.cursor_id(c.id)
        where c.id in (select i.id from jsonb_array_elements_text(:customers) as i (id))
            and c.status <> 'ERASED'), '[]'),
    'companies', coalesce((
        select json_agg(json_build_object(
            'id', c.id,
            'name', c.name,
            'email', c.email,
            'vatId', c.vat_id,
            'address', coalesce(c.billing_address, '{}') || case
                when c.billing_address ? 'country' or c.country is null then '{}'
                else jsonb_build_object('country', c.country)
            end))
        from accounts.company as c
        where c.id in (select vg.cursor_id(i.id) from jsonb_array_elements_text(:companies) as i (id))), '[]')) as body;
