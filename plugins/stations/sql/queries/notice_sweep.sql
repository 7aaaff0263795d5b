-- in: noticeDays
-- out: ok
-- A bounded number each time, so that no sweep is a long transaction.
with old as (
    select n.id
    from stations.notice as n
    where n.received_at < :now - make_interval(days => :noticeDays::int)
    order by n.received_at
    limit 10000
), gone as (
    delete from stations.notice as n
    using old as o
    where n.id = o.id
), ended as (
    select r.id
    from stations.certificate_request as r
    where r.status in ('SUPERSEDED', 'REJECTED')
        and r.received_at < :now - make_interval(days => :noticeDays::int)
    limit 10000
), forgotten as (
    delete from stations.certificate_request as r
    using ended as e
    where r.id = e.id
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
