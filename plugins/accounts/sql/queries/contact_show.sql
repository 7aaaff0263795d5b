-- in: customerId, companyId
-- out: how each is written to, or null: not known, erased, or to be. Of a person who registered alone the address that
--     was proved
select json_build_object(
    'customer', (
        select json_build_object(
            'id', p.id,
            'name', coalesce(c.name, u.name),
            'email', coalesce(c.email, u.email),
            'phone', coalesce(c.phone, u.phone),
            'language', c.language)
        from (select :customerId) as p (id)
        left join accounts.customer as c on c.id = p.id
        left join accounts.users as u on u.id = vg.cursor_id(p.id)
            and u.verified_at is not null
            and u.blocked_at is null
        where coalesce(c.status, 'ACTIVE') = 'ACTIVE'
            and (c.id is not null or u.id is not null)),
    'company', (
        select json_build_object(
            'id', c.id,
            'name', c.name,
            'email', c.email)
        from accounts.company as c
        where c.id = vg.cursor_id(:companyId))) as body;
