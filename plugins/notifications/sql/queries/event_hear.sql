-- in: the event's payload; bound: found (what the rules make of it), oldest (s)
-- out: ok; notifications, incidents and deliveries, each with its row in vg.job
--
-- What is older than `oldest` is told to nobody: a replay is not news.
with heard as materialized (
    select
        notifications.heard(:found, :body, :eventId, :eventType, :eventTime, :now, :correlationId),
        notifications.delivered(:eventId, :eventType, :aggregateId, :body, :eventTime, :now, :correlationId)
    where :eventTime > :now - make_interval(secs => :oldest)
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
    from (select count(*) from heard) as one
)
select * from answer;
