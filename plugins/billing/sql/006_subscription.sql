-- Plans, and subscriptions to them. What became of a subscription is its
-- events; its row is what subscription_apply() makes of them, one after the
-- other, and can be made again from them at any time.
--
-- Whatever changes a subscription has its row locked, and writes the next
-- version of its events: two who decided on the same state cannot both write.

-- The IANA names that this server's zone data knew when it was migrated.
create table billing.time_zone (
    name text not null,
    constraint time_zone_pkey primary key (name)
);
insert into billing.time_zone (name)
select z.name
from pg_catalog.pg_timezone_names as z
where z.name !~ '^(posix|right)/'
    and z.name not in ('localtime', 'posixrules', 'Factory');

create table billing.plan (
    id         uuid        not null,
    issuer     text        not null,        -- the operator's company, which sends the invoices
    name       text        not null,
    status     text        not null default 'ACTIVE',
    revision   int         not null default 1,
    created_at timestamptz not null,
    version    int         not null default 1,
    constraint plan_pkey primary key (id),
    constraint plan_status check (status in ('ACTIVE', 'RETIRED'))
);
create index plan_issuer on billing.plan (issuer, id);

-- The terms. A subscription keeps those that it was made with, until it is
-- changed; so they stand for good, and new ones are a new revision.
create table billing.plan_revision (
    plan_id          uuid        not null,
    revision         int         not null,
    price            numeric     not null,  -- of a cycle, excluding tax
    currency         text        not null,
    cycle            text        not null,
    included_kwh     numeric     not null,  -- of a cycle: what sessions use first
    discount_percent numeric     not null,  -- off the rest of their energy
    country          text        not null,  -- ISO 3166-1, where it is taxed
    time_zone        text        not null,  -- in which its cycles are months
    since            timestamptz not null,
    constraint plan_revision_pkey primary key (plan_id, revision),
    constraint plan_revision_plan foreign key (plan_id) references billing.plan (id),
    constraint time_zone_unknown foreign key (time_zone) references billing.time_zone (name),
    constraint plan_revision_cycle check (cycle in ('MONTHLY', 'QUARTERLY', 'ANNUAL')),
    constraint plan_revision_terms check (price >= 0 and included_kwh >= 0 and discount_percent between 0 and 100)
);
revoke update, delete on billing.plan_revision from vg_billing;

create function billing.plan_body(p billing.plan, r billing.plan_revision) returns json
language sql stable parallel safe
return json_build_object(
    'id', p.id,
    'operatorId', p.issuer,
    'name', p.name,
    'status', p.status,
    'revision', r.revision,
    'price', r.price,
    'currency', r.currency,
    'cycle', r.cycle,
    'includedKwh', r.included_kwh,
    'discountPercent', r.discount_percent,
    'country', r.country,
    'timeZone', r.time_zone,
    'createdAt', vg.z(p.created_at),
    'version', p.version);

create view billing.plan_json as
select p.id,
    p.issuer,
    p.status,
    p.version,
    billing.plan_body(p, r) as body
from billing.plan p
join billing.plan_revision r on r.plan_id = p.id and r.revision = p.revision;

-- plan_terms(plan, revision): what a subscription's events say of its plan
create function billing.plan_terms(plan uuid, revision int) returns jsonb
language sql stable parallel safe
return (
    select jsonb_build_object(
        'planId', r.plan_id,
        'revision', r.revision,
        'price', r.price,
        'currency', r.currency,
        'cycle', r.cycle,
        'includedKwh', r.included_kwh,
        'discountPercent', r.discount_percent,
        'country', r.country,
        'timeZone', r.time_zone)
    from billing.plan_revision r
    where r.plan_id = plan
        and r.revision = plan_terms.revision);


-- ----------------------------------------------------------------- cycles

-- cycle_moment(anchor, zone, cycle, n): when the n-th cycle begins. Counted
-- from the anchor and not from the cycle before, so that what began on the
-- 31st is back there after February; and in months by the clock of the zone:
-- a cycle across a change of clocks is an hour longer or shorter. A time that
-- the clock leaves out is an hour later, one that it has twice is the second.
create function billing.cycle_moment(anchor timestamptz, zone text, cycle text, n int) returns timestamptz
language sql stable parallel safe
return case
    when n = 0 then anchor
    else ((anchor at time zone zone) + n * case cycle
        when 'MONTHLY' then interval '1 month'
        when 'QUARTERLY' then interval '3 months'
        when 'ANNUAL' then interval '12 months'
    end) at time zone zone
end;


-- ----------------------------------------------------------------- events

create table billing.event_store (
    aggregate      uuid        not null,
    version        int         not null,
    type           text        not null,
    data           jsonb       not null,
    actor          text        not null,    -- who, or `system`
    at             timestamptz not null,
    correlation_id text        not null,
    constraint event_version primary key (aggregate, version),
    constraint event_counted check (version > 0)
);
revoke update, delete on billing.event_store from vg_billing;

create table billing.snapshot (
    aggregate uuid  not null,
    version   int   not null,
    state     jsonb not null,
    constraint snapshot_pkey primary key (aggregate, version)
);

-- subscription_apply(state, event): the one place that says what an event does
-- to a state. An event's data are members of the state, as they are from then
-- on; here stands what follows from its type. nextAt is when the clock looks
-- at it again: the end of what is paid, unless the event says otherwise.
create function billing.subscription_apply(state jsonb, event billing.event_store) returns jsonb
language plpgsql immutable
set search_path = '' as $$
declare
    s jsonb := state;
begin
    case event.type
        when 'CREATED' then
            s := '{"status": "PENDING"}'::jsonb || event.data;
        when 'STARTED' then
            s := (s - 'nextAt') || '{"status": "PENDING"}';
        when 'INVOICED' then
            s := s || event.data;
        when 'ACTIVATED' then
            s := (s - 'invoiceId') || '{"status": "ACTIVE"}'
                || pg_catalog.jsonb_build_object('nextAt', s -> 'periodEnd') || event.data;
        when 'FAILED' then
            s := (s - '{invoiceId,nextAt}'::text[]) || '{"status": "FAILED"}' || event.data;
        when 'RENEWED' then
            s := (s - '{planned,invoiceId,includedKwh}'::text[])
                || pg_catalog.jsonb_build_object('nextAt', event.data -> 'periodEnd') || event.data;
        when 'UPGRADED', 'DOWNGRADED' then
            s := (s - '{planned,cancelAt,includedKwh,keptKwh}'::text[]) || event.data;
        when 'CHANGE_PLANNED' then
            s := (s - 'cancelAt') || event.data;
        when 'CANCEL_PLANNED' then
            s := (s - 'planned') || event.data;
        when 'METHOD_CHANGED' then
            s := s || event.data;
        when 'PLAN_KEPT' then
            s := s - '{planned,cancelAt}'::text[];
        when 'PAID' then
            s := (s - '{invoiceId,unpaidSince,dunningStep,retrying,failure}'::text[]) || '{"status": "ACTIVE"}' || event.data;
            s := s || pg_catalog.jsonb_build_object('nextAt', s -> 'periodEnd');
        when 'PAYMENT_FAILED' then
            s := (s - '{nextAt,retrying}'::text[]) || '{"status": "PAST_DUE"}' || event.data;
        when 'RETRIED' then
            s := s || '{"retrying": true}' || event.data;
        when 'CANCELLED' then
            s := (s - '{invoiceId,nextAt,planned,retrying,keptKwh}'::text[]) || '{"status": "CANCELLED"}' || event.data;
    end case;
    return s || pg_catalog.jsonb_build_object('version', event.version);
end
$$;

create table billing.subscription (
    id          uuid        not null,
    status      text        not null,
    issuer      text        not null,
    customer_id text,
    company_id  text,
    plan_id     uuid        not null,
    invoice_id  uuid,                       -- what it waits to be paid for
    next_at     timestamptz,                -- when the clock looks at it; NULL: never
    stuck       jsonb,                      -- what the clock could not do with it: {since, failure, parked}
    state       jsonb       not null,
    version     int         not null,       -- of its last event
    constraint subscription_pkey primary key (id),
    constraint subscription_status check (status in
        ('SCHEDULED', 'PENDING', 'ACTIVE', 'PAST_DUE', 'CANCELLED', 'FAILED'))
) with (fillfactor = 80);
create index subscription_due on billing.subscription (next_at) where next_at is not null;
create index subscription_invoice on billing.subscription (invoice_id) where invoice_id is not null;
create index subscription_stuck on billing.subscription (id) where stuck is not null;
create index subscription_customer on billing.subscription (customer_id, id);
create index subscription_company on billing.subscription (company_id, id);
create index subscription_issuer on billing.subscription (issuer, id);
create index subscription_plan on billing.subscription (plan_id);

-- what subscriptions_append() writes
create type billing.happening as (
    id   uuid,
    seen int,                               -- the version that was decided on; 0: none
    type text,
    data jsonb
);

-- subscriptions_append(events, actor, at, correlation): the next event of each
-- and its row, and a snapshot with each 50th; their states, in that order. No
-- subscription is in it twice. Violates event_version where there is another
-- by now. Rows are found one by one, for a plan that was made while there were
-- none would read all.
create function billing.subscriptions_append(events billing.happening[], actor text, at timestamptz, correlation text)
returns jsonb[]
language plpgsql
set search_path = '' set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    happened billing.event_store[];
    states   jsonb[];
begin
    select array_agg(row(e.id, e.seen + 1, e.type, pg_catalog.jsonb_strip_nulls(e.data), subscriptions_append.actor,
            subscriptions_append.at, correlation)::billing.event_store order by e.place)
    into happened
    from unnest(events) with ordinality as e (id, seen, type, data, place);
    insert into billing.event_store (aggregate, version, type, data, actor, at, correlation_id)
    select e.aggregate, e.version, e.type, e.data, e.actor, e.at, e.correlation_id
    from unnest(happened) as e;
    select array_agg(billing.subscription_apply((
            select b.state
            from billing.subscription as b
            where b.id = happened[e.place].aggregate), happened[e.place]) order by e.place)
    into states
    from pg_catalog.generate_subscripts(happened, 1) as e (place);
    if 1 = any (array(select e.version from unnest(happened) as e)) then
        insert into billing.subscription (id, status, issuer, customer_id, company_id, plan_id, next_at, state, version)
        select e.aggregate, s.state ->> 'status', s.state ->> 'issuer', s.state ->> 'customerId', s.state ->> 'companyId',
            (s.state #>> '{terms,planId}')::uuid, (s.state ->> 'nextAt')::timestamptz, s.state, e.version
        from unnest(happened) with ordinality as e (aggregate, version, type, data, actor, at, correlation_id, place)
        cross join lateral (select states[e.place]) as s (state)
        where e.version = 1;
    end if;
    update billing.subscription as b
    set status = s.state ->> 'status',
        plan_id = (s.state #>> '{terms,planId}')::uuid,
        invoice_id = (s.state ->> 'invoiceId')::uuid,
        next_at = (s.state ->> 'nextAt')::timestamptz,
        stuck = null,
        state = s.state,
        version = (s.state ->> 'version')::int
    from unnest(happened) with ordinality as e (aggregate, version, type, data, actor, at, correlation_id, place)
    cross join lateral (select states[e.place]) as s (state)
    where b.id = e.aggregate and e.version > 1;
    insert into billing.snapshot (aggregate, version, state)
    select e.aggregate, e.version, states[e.place]
    from unnest(happened) with ordinality as e (aggregate, version, type, data, actor, at, correlation_id, place)
    where e.version % 50 = 0;
    return states;
end
$$;

-- subscription_append(id, seen, type, data, actor, at, correlation): one of them
create function billing.subscription_append(id uuid, seen int, type text, data jsonb, actor text, at timestamptz,
    correlation text) returns jsonb
language plpgsql
set search_path = '' as $$
begin
    return (billing.subscriptions_append(array[row(id, seen, type, data)::billing.happening], actor, at, correlation))[1];
end
$$;

-- subscription_rebuilt(id, snapshots): its state, from its events alone, or
-- from its last snapshot and those that followed
create function billing.subscription_rebuilt(id uuid, snapshots boolean) returns jsonb
language plpgsql stable
set search_path = '' as $$
declare
    event billing.event_store;
    s     jsonb;
    since int := 0;
begin
    if snapshots then
        select n.state, n.version into s, since
        from billing.snapshot as n
        where n.aggregate = subscription_rebuilt.id
        order by n.version desc
        limit 1;
    end if;
    for event in
        select e.*
        from billing.event_store as e
        where e.aggregate = subscription_rebuilt.id
            and e.version > coalesce(since, 0)
        order by e.version
    loop
        s := billing.subscription_apply(s, event);
    end loop;
    return s;
end
$$;

-- What a cycle gives sessions, and what they have used of it (013_allowance).
-- It follows from the subscription, but for what was used.
create table billing.allowance (
    subscription_id  uuid        not null,
    starts_at        timestamptz not null,
    ends_at          timestamptz not null,  -- of the cycle, or sooner, with its subscription
    currency         text        not null,
    included_kwh     numeric     not null,
    used_kwh         numeric     not null default 0,
    discount_percent numeric     not null,
    constraint allowance_pkey primary key (subscription_id, starts_at),
    constraint allowance_used check (used_kwh between 0 and included_kwh)
) with (fillfactor = 80);

-- subscription_gives(status, state): while it is paid for, or being paid for;
-- and what ended because it was asked to, for what was used before that
create function billing.subscription_gives(status text, s jsonb) returns boolean
language sql immutable parallel safe
return status = 'ACTIVE'
    or status = 'CANCELLED' and s ->> 'reason' = 'requested' and not s ? 'unpaidSince';

-- subscription_left(id, state): kWh that its cycle still includes; NULL: it
-- includes none. volatile, to see what the statement that shows it has written
create function billing.subscription_left(id uuid, s jsonb) returns numeric
language plpgsql parallel safe
set search_path = '' as $$
begin
    return (
        select case
                when s ->> 'status' <> 'CANCELLED' and billing.subscription_gives(s ->> 'status', s)
                then a.included_kwh - a.used_kwh
                else 0
            end
        from billing.allowance as a
        where a.subscription_id = subscription_left.id
            and a.starts_at = (s ->> 'periodStart')::timestamptz
            and a.included_kwh > 0);
end
$$;

-- subscription_body(id, state, stuck): as the API shows it
create function billing.subscription_body(id uuid, s jsonb, stuck jsonb default null) returns json
language sql stable parallel safe
return json_build_object(
    'id', id,
    'status', s -> 'status',
    'customerId', s -> 'customerId',
    'companyId', s -> 'companyId',
    'operatorId', s -> 'issuer',
    'planId', s #> '{terms,planId}',
    'terms', s -> 'terms',
    'methodId', s -> 'methodId',
    'anchor', s -> 'anchor',
    'period', s -> 'period',
    'periodStart', s -> 'periodStart',
    'periodEnd', s -> 'periodEnd',
    'includedKwhLeft', billing.subscription_left(id, s),
    'invoiceId', s -> 'invoiceId',
    'unpaidSince', s -> 'unpaidSince',
    'dunningStep', s -> 'dunningStep',
    'failure', s -> 'failure',
    'planned', s -> 'planned',
    'cancelAt', s -> 'cancelAt',
    'endedAt', s -> 'endedAt',
    'reason', s -> 'reason',
    'stuck', stuck,
    'version', s -> 'version');

create view billing.subscription_json as
select b.id,
    b.status,
    b.issuer,
    b.customer_id,
    b.company_id,
    b.plan_id,
    b.version,
    b.stuck is not null as stuck,
    billing.subscription_body(b.id, b.state, b.stuck) as body
from billing.subscription b;

-- subscription_history(id): its events
create function billing.subscription_history(id uuid) returns jsonb
language sql stable parallel safe
return (
    select jsonb_agg(jsonb_build_object('version', e.version, 'type', e.type, 'data', e.data, 'at', vg.z(e.at))
        order by e.version)
    from billing.event_store e
    where e.aggregate = subscription_history.id);

-- subscription_event(type, id, state): what is told of it
create function billing.subscription_event(type text, id uuid, s jsonb) returns jsonb
language sql stable parallel safe
return jsonb_build_object(
    'type', type,
    'aggregateId', id,
    'payload', jsonb_build_object(
        'subscriptionId', id,
        'status', s -> 'status',
        'planId', s #> '{terms,planId}',
        'revision', s #> '{terms,revision}',
        'operatorId', s -> 'issuer',
        'customerId', s -> 'customerId',
        'companyId', s -> 'companyId',
        'price', s #> '{terms,price}',
        'currency', s #> '{terms,currency}',
        'cycle', s #> '{terms,cycle}',
        'periodStart', s -> 'periodStart',
        'periodEnd', s -> 'periodEnd',
        'reason', s -> 'reason'));

-- subscription_costs(terms, amount): what invoice.c reckons with: one line
create function billing.subscription_costs(terms jsonb, amount numeric) returns jsonb
language sql stable parallel safe
return jsonb_build_object(
    'currency', terms -> 'currency',
    'lines', jsonb_build_array(jsonb_build_object(
        'type', 'SUBSCRIPTION',
        'unit', lower(terms ->> 'cycle'),
        'price', amount,
        'volume', 1,
        'excl_vat', amount)));

select vg.saga_ground('billing');

-- subscription_method(id): what it is paid with; NULL: as its payer pays, or it
-- is none
create function billing.subscription_method(id uuid) returns uuid
language sql stable parallel safe
return (
    select (b.state ->> 'methodId')::uuid
    from billing.subscription b
    where b.id = subscription_method.id);

-- subscription_payable(customer, company, method, currency): whether there is
-- anything that it could be paid with; whether that is enough shows then
create function billing.subscription_payable(customer_id text, company_id text, method uuid, currency text) returns boolean
language plpgsql
set search_path = '' as $$
declare
    payer billing.payer := billing.payer_known(customer_id, company_id);
begin
    if method is not null then
        return exists (
            select
            from billing.method as m
            where m.id = method and m.payer = payer.id and m.removed_at is null);
    end if;
    return payer.terms = 'ACCOUNT' or payer.method_id is not null or exists (
        select
        from billing.account as a
        where a.owner = payer.id and a.kind = 'CREDIT' and a.currency = subscription_payable.currency and a.balance > 0);
end
$$;
