-- Registers of charge points that forget theirs: what each showed last during a
-- transaction, and where it began anew. In Wh, exactly as it was said. Its moments
-- are the charge point's; heard_at is ours, for a clock of theirs may be years late.
create table quirks.register (
    charge_point_id  text        not null,
    connector_number int         not null,
    started_at       timestamptz not null,
    transaction_id   bigint,
    shown_at         timestamptz not null,
    shown_wh         numeric     not null,
    heard_at         timestamptz not null,
    constraint register_pkey primary key (charge_point_id, connector_number, started_at)
);
create index register_transaction on quirks.register (charge_point_id, transaction_id);
create index register_heard_at on quirks.register (heard_at);

create table quirks.reset (
    charge_point_id  text        not null,
    connector_number int         not null,
    started_at       timestamptz not null,
    at               timestamptz not null,
    before_wh        numeric     not null,
    shown_wh         numeric     not null,
    offset_wh        numeric     not null,
    constraint reset_pkey primary key (charge_point_id, connector_number, started_at, at),
    constraint reset_register foreign key (charge_point_id, connector_number, started_at)
        references quirks.register (charge_point_id, connector_number, started_at) on delete cascade
);


-- local_instant(clock, zone, now): the moment that a wall clock means. An hour
-- that there is twice is the first one, if the second has not come yet.
create function quirks.local_instant(clock timestamp, zone text, now timestamptz) returns timestamptz
language plpgsql stable as $$
declare
    late  timestamptz := clock at time zone zone;
    early timestamptz := late - interval '1 hour';
begin
    if late > now + interval '10 minutes' and early at time zone zone = clock then
        return early;
    end if;
    return late;
end
$$;


-- follow(r, readings, most_kw, now): what a register would show that had never
-- begun anew, for [{at, wh}]; keeps what it shows. It began anew where it shows
-- less than half of what it did, and no more than can have flowed since: less
-- than that is a meter that trembles. What was said before is answered as
-- before, since each reset has its moment.
create function quirks.follow(r quirks.register, readings jsonb, most_kw numeric, now timestamptz) returns jsonb
language plpgsql as $$
declare
    reading record;
    goes_on jsonb := '[]';
    before  numeric;
begin
    for reading in
        select (e.value ->> 'wh')::numeric as wh,
            case
                when (e.value ->> 'at')::timestamptz between r.started_at and now + interval '10 minutes'
                then (e.value ->> 'at')::timestamptz
                else now
            end as at
        from pg_catalog.jsonb_array_elements(readings) with ordinality as e (value, n)
        order by e.n
    loop
        select o.offset_wh
        into before
        from quirks.reset as o
        where (o.charge_point_id, o.connector_number, o.started_at) = (r.charge_point_id, r.connector_number, r.started_at)
            and o.at <= reading.at
        order by o.at desc
        limit 1;
        before := coalesce(before, 0);
        if reading.at > r.shown_at then
            if reading.wh * 2 < r.shown_wh
                and reading.wh <= extract(epoch from reading.at - r.shown_at)::numeric * most_kw * 1000 / 3600
            then
                before := before + r.shown_wh;
                insert into quirks.reset (charge_point_id, connector_number, started_at, at, before_wh, shown_wh, offset_wh)
                values (r.charge_point_id, r.connector_number, r.started_at, reading.at, r.shown_wh, reading.wh, before);
            end if;
            r.shown_at := reading.at;
            r.shown_wh := reading.wh;
        end if;
        goes_on := goes_on || pg_catalog.to_jsonb((reading.wh + before)::text);
    end loop;
    update quirks.register as k
    set shown_at = r.shown_at,
        shown_wh = r.shown_wh,
        heard_at = now
    where (k.charge_point_id, k.connector_number, k.started_at) = (r.charge_point_id, r.connector_number, r.started_at)
        and (k.shown_at, k.shown_wh) <> (r.shown_at, r.shown_wh);
    return goes_on;
end
$$;
