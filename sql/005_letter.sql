-- Dead letters: events and jobs whose tries are used up, as operators see them.

create view vg.dead_letter as
select p.id, p.consumer, json_build_object(
    'id', p.id,
    'consumer', p.consumer,
    'event', json_build_object(
        'eventId', p.event_id,
        'type', p.type,
        'source', p.source,
        'aggregateId', p.aggregate_id,
        'log', p.log,
        'sequence', p.pos),
    'payload', p.payload,
    'correlationId', p.correlation_id,
    'error', p.error,
    'tries', p.tries,
    'toldAt', vg.z(p.at),
    'deadAt', vg.z(p.dead_at)) as body
from vg.parked as p
where p.dead_at is not null
union all
select j.id, j.plugin, json_build_object(
    'id', j.id,
    'consumer', j.plugin,
    'job', json_build_object(
        'kind', j.kind,
        'key', j.key),
    'payload', j.payload,
    'correlationId', j.correlation_id,
    'error', j.error,
    'tries', j.tries,
    'toldAt', vg.z(j.at),
    'deadAt', vg.z(j.dead_at))
from vg.job as j
where j.dead_at is not null;
grant select on vg.dead_letter to vg_kit;

-- letters_retry(one, whose): tries them again from the first try on, one or
-- all, of one consumer or of all (NULL), at most 1,000 of each kind at once; how
-- many. A job whose key another one has by now stays dead.
create function vg.letters_retry(one uuid, whose text) returns bigint
language plpgsql as $$
declare
    events bigint;
    jobs   bigint;
begin
    update vg.parked as p
    set dead_at = null, tries = 1, next_at = pg_catalog.now()
    where p.id = any (array(
        select d.id
        from vg.parked as d
        where d.dead_at is not null and (one is null or d.id = one) and (whose is null or d.consumer = whose)
        order by d.id
        limit 1000));
    get diagnostics events = row_count;
    update vg.job as j
    set dead_at = null, tries = 0, next_at = pg_catalog.now()
    where j.id = any (array(
        select d.id
        from vg.job as d
        where d.dead_at is not null and (one is null or d.id = one) and (whose is null or d.plugin = whose)
        order by d.id
        limit 1000))
        and not exists (
            select
            from vg.job as o
            where o.plugin = j.plugin and o.kind = j.kind and o.key = j.key and o.id <> j.id
                and (o.dead_at is null or (one is null and o.id < j.id)));
    get diagnostics jobs = row_count;
    return events + jobs;
end
$$;
