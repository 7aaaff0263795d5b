-- Local authorization lists: which tags a charge point is to know when it is
-- away, and what it holds by its own word.

create table charging.local_list (
    charge_point_id text        not null,
    companies       text[]      not null,           -- whose tags are on it
    max_length      int         not null,           -- LocalAuthListMaxLength
    max_send        int         not null,           -- SendLocalListMaxLength
    list_version    int         not null default 0, -- as last accepted
    full_due        boolean     not null default true,  -- what it holds is not known
    due             boolean     not null default true,  -- it may be out of step
    next_at         timestamptz not null,           -- not to be tried before
    tries           int         not null default 0, -- in vain, in a row
    sending         jsonb,                          -- SendLocalList that is under way
    sent_at         timestamptz,                    -- and since when
    status          text        not null default 'NEW',
    answered_at     timestamptz,
    version         int         not null default 1,
    constraint local_list_pkey primary key (charge_point_id),
    constraint local_list_bounds check (max_length > 0 and max_send > 0)
);
create index local_list_due on charging.local_list (next_at) where due;
create index local_list_companies on charging.local_list using gin (companies);

create table charging.local_list_entry (
    charge_point_id text  not null,
    tag_key         text  not null,
    id_tag          text  not null,
    info            jsonb not null,     -- IdTagInfo, as it was sent
    constraint local_list_entry_pkey primary key (charge_point_id, tag_key),
    constraint local_list_entry_list foreign key (charge_point_id)
        references charging.local_list (charge_point_id) on delete cascade
);


-- local_list_wanted(list): the tags that are to be on it. A tag's end goes
-- with it, so that a charge point that is away lets it end, too.
create function charging.local_list_wanted(l charging.local_list)
returns table (tag_key text, id_tag text, info jsonb)
language sql stable
begin atomic
    select t.tag_key, t.id_tag, jsonb_strip_nulls(jsonb_build_object(
            'status', t.status,
            'expiryDate', vg.z(t.expires_at),
            'parentIdTag', t.parent_id_tag))
    from charging.id_tag t
    where t.company_id = any (l.companies)
    order by t.tag_key
    limit l.max_length;
end;

-- local_list_plan(list): the SendLocalList that brings the charge point into
-- step, or nearer to it; NULL when it is. What is longer than max_send goes in
-- several: a full one, then differences.
create function charging.local_list_plan(l charging.local_list) returns jsonb
language sql stable
begin atomic
    with wanted as (
        select w.tag_key, w.id_tag, w.info
        from charging.local_list_wanted(l) w
    ), differs as (
        select coalesce(w.tag_key, e.tag_key) as tag_key,
            jsonb_strip_nulls(jsonb_build_object('idTag', coalesce(w.id_tag, e.id_tag), 'idTagInfo', w.info)) as entry
        from wanted w
        full join (
            select x.tag_key, x.id_tag, x.info
            from charging.local_list_entry x
            where x.charge_point_id = l.charge_point_id
                and not l.full_due) e on e.tag_key = w.tag_key
        where w.info is distinct from e.info
            or w.id_tag <> e.id_tag
        order by 1
        limit l.max_send
    )
    select case
        when l.full_due or exists (select from differs)
        then jsonb_build_object(
            'listVersion', l.list_version + 1,
            'updateType', case when l.full_due then 'Full' else 'Differential' end,
            'localAuthorizationList', (select coalesce(jsonb_agg(d.entry order by d.tag_key), '[]') from differs d))
    end;
end;

-- local_list_took(charge point, sent): the entries as they are once a charge
-- point accepted.
create function charging.local_list_took(charge_point text, sent jsonb) returns void
language sql
begin atomic
    delete from charging.local_list_entry e
    where e.charge_point_id = charge_point
        and (sent ->> 'updateType' = 'Full'
            or e.tag_key in (
                select lower(s.value ->> 'idTag')
                from jsonb_array_elements(sent -> 'localAuthorizationList') s));
    insert into charging.local_list_entry (charge_point_id, tag_key, id_tag, info)
    select charge_point, lower(s.value ->> 'idTag'), s.value ->> 'idTag', s.value -> 'idTagInfo'
    from jsonb_array_elements(sent -> 'localAuthorizationList') s
    where s.value ? 'idTagInfo';
end;

-- local_list_touch(company): lists with tags of a company are due, since one
-- of them changed. They are taken in one order; a list that is due already is
-- taken too, or a plan that is being made would miss the change.
create function charging.local_list_touch(company text, moment timestamptz) returns bigint
language sql
begin atomic
    with taken as (
        select l.charge_point_id
        from charging.local_list l
        where l.companies @> array[company]
        order by l.charge_point_id
        for no key update
    ), touched as (
        update charging.local_list l
        set due = true,
            next_at = case when l.tries > 0 then l.next_at else least(l.next_at, moment) end
        from taken t
        where l.charge_point_id = t.charge_point_id
        returning 1
    )
    select count(*)
    from touched;
end;

-- local_list_event(…): that it is to be looked at.
create function charging.local_list_event(charge_point text) returns jsonb
language sql stable parallel safe
return jsonb_build_object(
    'type', 'charging.local_list.due.v1',
    'aggregateId', charge_point,
    'payload', jsonb_build_object('chargePointId', charge_point));

create function charging.local_list_body(l charging.local_list) returns json
language sql stable
return json_build_object(
    'chargePointId', l.charge_point_id,
    'companies', l.companies,
    'maxLength', l.max_length,
    'maxSend', l.max_send,
    'listVersion', l.list_version,
    'status', l.status,
    'inStep', not l.due,
    'tries', l.tries,
    'nextAt', case when l.due then vg.z(l.next_at) end,
    'answeredAt', vg.z(l.answered_at),
    'version', l.version);
