-- Erasure: what is asked of all plugins, and what each of them said. It goes
-- in rounds: what was on its way while one was asked is found by the next. When
-- nobody finds anything, its tokens are void; when nobody does after that, it is
-- over.
create table accounts.erasure (
    id           uuid        not null,
    customer_id  text        not null,
    company_id   text,
    asked_by     text        not null,
    status       text        not null default 'RUNNING',
    round        int         not null default 1,
    round_at     timestamptz not null,  -- when that began
    closed       bool        not null default false,    -- its tokens are void
    next_at      timestamptz,           -- when the next round begins; null: one is under way, or it is over
    asked_at     timestamptz not null,
    completed_at timestamptz,
    constraint erasure_pkey primary key (id),
    constraint erasure_customer unique (customer_id),
    constraint erasure_status check (status in ('RUNNING', 'COMPLETED'))
);
create index erasure_running on accounts.erasure (asked_at) where status = 'RUNNING';
create index erasure_over on accounts.erasure (completed_at) where completed_at is not null;

create table accounts.erasure_part (
    erasure_id  uuid        not null,
    plugin      text        not null,
    status      text        not null default 'WAITING',
    round       int         not null default 0,     -- that it answered last
    erased      jsonb       not null default '{}',  -- rows, by what they are, of all rounds
    kept        jsonb       not null default '{}',  -- rows that stay, as of the last
    open        jsonb       not null default '{}',  -- rows that are not over yet, as of the last
    answered_at timestamptz,
    constraint erasure_part_pkey primary key (erasure_id, plugin),
    constraint erasure_part_erasure foreign key (erasure_id) references accounts.erasure (id) on delete cascade,
    constraint erasure_part_status check (status in ('WAITING', 'MORE', 'POSTPONED', 'DONE'))
);


-- counts_of(list): [{"what", "rows"}] as {what: rows}, what there is none of
-- left out.
create function accounts.counts_of(list jsonb) returns jsonb
language plpgsql immutable parallel safe as $$
begin
    return (
        select coalesce(jsonb_object_agg(c.value ->> 'what', (c.value ->> 'rows')::bigint), '{}')
        from jsonb_array_elements(coalesce(list, '[]')) as c
        where (c.value ->> 'rows')::bigint > 0);
end
$$;

-- counts_added(a, b): both, summed up.
create function accounts.counts_added(a jsonb, b jsonb) returns jsonb
language plpgsql immutable parallel safe as $$
begin
    return (
        select coalesce(jsonb_object_agg(s.what, s.rows), '{}')
        from (
            select c.key as what, sum(c.value::bigint) as rows
            from (
                select * from jsonb_each_text(a)
                union all
                select * from jsonb_each_text(b)) as c
            group by c.key) as s);
end
$$;


-- erasure_event(…): what plugins hear. Who has answered this round already
-- hears the next.
create function accounts.erasure_event(e accounts.erasure) returns jsonb
language sql stable
return jsonb_build_object(
    'type', 'customer.erasure_requested.v1',
    'aggregateId', e.customer_id,
    'payload', jsonb_build_object(
        'customerId', e.customer_id,
        'companyId', e.company_id,
        'erasureId', e.id,
        'round', e.round));

-- erasure_begun(…): the erasure of a customer, who is marked already.
create function accounts.erasure_begun(
    new_id uuid, customer text, company text, asker text, plugins jsonb, moment timestamptz) returns jsonb
language plpgsql as $$
declare
    begun accounts.erasure;
begin
    insert into accounts.erasure as e (id, customer_id, company_id, asked_by, asked_at, round_at, next_at)
    values (new_id, customer, company, asker, moment, moment,
        case when jsonb_array_length(plugins) = 0 then moment end)
    returning * into begun;

    insert into accounts.erasure_part (erasure_id, plugin)
    select new_id, p.value
    from jsonb_array_elements_text(plugins) as p
    where p.value <> 'accounts';

    return accounts.erasure_event(begun);
end
$$;

-- erasure_body(…): volatile, since it also shows what was begun just now.
create function accounts.erasure_body(e accounts.erasure) returns json
language plpgsql as $$
begin
    return (
        select json_build_object(
            'id', e.id,
            'erasureId', e.id,
            'customerId', e.customer_id,
            'status', e.status,
            'round', e.round,
            'requestedAt', vg.z(e.asked_at),
            'completedAt', vg.z(e.completed_at),
            'waitingFor', coalesce(json_agg(p.plugin order by p.plugin)
                filter (where p.status <> 'DONE' or e.status = 'RUNNING' and p.round < e.round), '[]'),
            'plugins', coalesce(json_agg(json_build_object(
                'plugin', p.plugin,
                'status', p.status,
                'erased', p.erased,
                'kept', p.kept,
                'open', p.open,
                'answeredAt', vg.z(p.answered_at)) order by p.plugin) filter (where p.plugin is not null), '[]'),
            'version', coalesce((
                select c.version
                from accounts.customer as c
                where c.id = e.customer_id), 0))
        from (select) as one
        left join accounts.erasure_part as p on p.erasure_id = e.id);
end
$$;

create function accounts.erasure_of(customer text) returns json
language plpgsql as $$
begin
    return (
        select accounts.erasure_body(e)
        from accounts.erasure as e
        where e.customer_id = customer);
end
$$;


-- erasure_answered(…): a plugin has answered; its erasure is locked. Another
-- round follows soon where there is more, later where something was found or is
-- not over. Who was away answers each round that it has missed. The events to
-- tell.
create function accounts.erasure_answered(
    of_id uuid, of_plugin text, of_round bigint, said text, done jsonb, stays jsonb, goes_on jsonb,
    moment timestamptz, again interval, lifetime bigint) returns jsonb
language plpgsql as $$
begin
    update accounts.erasure_part as p
    set status = said,
        round = of_round,
        erased = accounts.counts_added(p.erased, accounts.counts_of(done)),
        kept = accounts.counts_of(stays),
        open = accounts.counts_of(goes_on),
        answered_at = moment
    from accounts.erasure as o
    where o.id = p.erasure_id
        and p.erasure_id = of_id
        and p.plugin = of_plugin
        and p.round < of_round
        and o.round >= of_round
        and o.status = 'RUNNING';
    if not found then
        return null;    -- heard already, or by a replay
    end if;

    -- what this round has found so far is kept where the next looks for it
    if said <> 'DONE' or accounts.counts_of(done) <> '{}' then
        update accounts.erasure as o
        set next_at = least(o.next_at, case said when 'MORE' then moment else moment + again end)
        where o.id = of_id;
    end if;
    return accounts.erasure_settled(of_id, moment, again, lifetime);
end
$$;

-- erasure_settled(…): what follows when all have answered the last round, and
-- nobody has found anything. Answers are of different moments, and until its
-- tokens are void the customer may still act: so they go first, and one round
-- more begins when whatever was begun by them must be over; if that finds
-- nothing either, it is the end.
create function accounts.erasure_settled(
    of_id uuid, moment timestamptz, again interval, lifetime bigint) returns jsonb
language plpgsql as $$
declare
    e accounts.erasure;
begin
    select o.*
    into e
    from accounts.erasure as o
    where o.id = of_id
        and o.status = 'RUNNING'
        and o.next_at is null
        and not exists (
            select
            from accounts.erasure_part as p
            where p.erasure_id = o.id
                and p.round < o.round);
    if not found then
        return null;
    end if;

    if e.closed then
        return accounts.erasure_over(e, moment, lifetime);
    end if;
    update accounts.erasure as o
    set closed = true,
        next_at = moment + greatest(again, interval '15 seconds')   -- longer than a call may take
    where o.id = of_id;
    return accounts.user_erased(e.customer_id, moment, lifetime);
end
$$;

-- erasure_joined(…): who holds something may change while it runs: who came back
-- without anything to say is not waited for, who is new is asked.
create function accounts.erasure_joined(of_id uuid, plugins jsonb, moment timestamptz) returns void
language plpgsql as $$
begin
    delete from accounts.erasure_part as p
    where p.erasure_id = of_id
        and p.status = 'WAITING'
        and p.round = 0
        and not plugins ? p.plugin;

    insert into accounts.erasure_part (erasure_id, plugin)
    select of_id, n.value
    from jsonb_array_elements_text(plugins) as n
    where n.value <> 'accounts'
    on conflict on constraint erasure_part_pkey do nothing;
    if found then
        update accounts.erasure as o
        set next_at = moment
        where o.id = of_id;
    end if;
end
$$;

-- erasure_waits(…): whether nothing is to be done about it now. Who is behind
-- holds up nobody else's rounds, but there is one in each `again` at most: it
-- has to answer them all.
create function accounts.erasure_waits(
    e accounts.erasure, plugins jsonb, moment timestamptz, again interval) returns boolean
language plpgsql stable as $$
declare
    is_behind boolean;
begin
    if exists (
        select
        from accounts.erasure_part as p
        where p.erasure_id = e.id
            and p.status = 'WAITING'
            and p.round = 0
            and not plugins ? p.plugin)
        or exists (
            select
            from jsonb_array_elements_text(plugins) as n
            where n.value <> 'accounts'
                and not exists (
                    select
                    from accounts.erasure_part as p
                    where p.erasure_id = e.id
                        and p.plugin = n.value)) then
        return false;
    end if;

    is_behind := exists (
        select
        from accounts.erasure_part as p
        where p.erasure_id = e.id
            and p.round < e.round);
    return case
        when e.next_at is null then is_behind
        else e.next_at > moment or is_behind and e.round_at + again > moment
    end;
end
$$;

-- erasure_due(…): the next round of those for which it is time; the events to
-- tell.
create function accounts.erasure_due(
    plugins jsonb, moment timestamptz, again interval, lifetime bigint) returns jsonb
language plpgsql as $$
declare
    e     accounts.erasure;
    begun accounts.erasure;
    told  jsonb := '[]';
begin
    for e in
        select o.*
        from accounts.erasure as o
        where o.status = 'RUNNING'
            and not accounts.erasure_waits(o, plugins, moment, again)
        order by o.asked_at
        limit 50
        for update skip locked
    loop
        perform accounts.erasure_joined(e.id, plugins, moment);

        -- a round that nobody has to answer is over
        update accounts.erasure as o
        set next_at = null
        where o.id = e.id
            and o.next_at <= moment
            and not exists (
                select
                from accounts.erasure_part as p
                where p.erasure_id = e.id);

        update accounts.erasure as o
        set round = o.round + 1,
            round_at = moment,
            next_at = null
        where o.id = e.id
            and not accounts.erasure_waits(o, plugins, moment, again)
            and o.next_at is not null
        returning * into begun;
        if found then
            told := told || accounts.erasure_event(begun);
        else
            told := told || coalesce(accounts.erasure_settled(e.id, moment, again, lifetime), '[]');
        end if;
    end loop;
    return told;
end
$$;

-- erasure_over(…): all others are done: what accounts holds goes, and the
-- customer is erased.
create function accounts.erasure_over(e accounts.erasure, moment timestamptz, lifetime bigint) returns jsonb
language plpgsql as $$
declare
    told    jsonb := '[]';
    erased  jsonb := '{}';
    gone    accounts.vehicle;
    blank   accounts.customer;
    n       bigint;
begin
    for gone in
        delete from accounts.vehicle as v
        where v.customer_id = e.customer_id
        returning v.*
    loop
        told := told || accounts.vehicle_event(gone, e.company_id, 'vehicle.removed.v1');
        erased := accounts.counts_added(erased, '{"vehicle": 1}');
    end loop;

    told := told || accounts.keys_ended(e.customer_id, moment, lifetime);
    update accounts.api_key as k
    set created_by = 'erased',
        name = case when k.company_id is null then 'erased' else k.name end,
        version = k.version + 1
    where k.created_by = e.customer_id;
    get diagnostics n = row_count;
    erased := accounts.counts_added(erased, jsonb_build_object('apiKey', n));

    delete from accounts.export as x
    where x.customer_id = e.customer_id;
    get diagnostics n = row_count;
    erased := accounts.counts_added(erased, jsonb_build_object('export', n));

    update accounts.customer as c
    set name = null,
        email = null,
        phone = null,
        language = null,
        billing_address = null,
        status = 'ERASED',
        version = c.version + 1,
        updated_at = moment
    where c.id = e.customer_id
    returning * into blank;
    told := told || accounts.customer_event(blank, 'customer.updated.v1');
    erased := accounts.counts_added(erased, '{"customer": 1}');
    perform vg.answers_forgotten(e.customer_id);

    insert into accounts.erasure_part (erasure_id, plugin, status, round, erased, answered_at)
    select e.id, 'accounts', 'DONE', e.round, jsonb_object_agg(c.key, c.value), moment
    from jsonb_each(erased) as c
    where c.value <> '0';
    update accounts.erasure as o
    set status = 'COMPLETED',
        next_at = null,
        completed_at = moment
    where o.id = e.id;
    return told;
end
$$;

-- user_erased(…): the user that the customer is, if it is one: no name, no
-- address, no session; each token that names it is void. The events of that.
create function accounts.user_erased(subject text, moment timestamptz, lifetime bigint) returns jsonb
language plpgsql as $$
declare
    told jsonb := '[]';
    of_user uuid := vg.cursor_id(subject);
begin
    if of_user is not null and exists (
        select
        from accounts.users as u
        where u.id = of_user) then
        told := told || accounts.sessions_ended(of_user, null, moment, lifetime);
        delete from accounts.sandbox_mail as m
        using accounts.users as u
        where u.id = of_user
            and m.email_key = u.email_key;
        delete from accounts.guard as g
        using accounts.users as u
        where u.id = of_user
            and g.user_id in (u.id, accounts.nobody(u.email_key));
        delete from accounts.postage as p
        using accounts.users as u
        where u.id = of_user
            and p.email_key = u.email_key;
        delete from accounts.users as u
        where u.id = of_user;
    end if;
    return told || accounts.revoked(subject, moment, accounts.forgotten_at(moment, lifetime));
end
$$;
