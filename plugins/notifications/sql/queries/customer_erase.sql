-- in: erasureId, customerId, round
-- out: ok; customer.erased.v1
--
-- A job that finds its notification gone has nothing to do. At most 500 a round.
with gone as materialized (
    select n.id
    from notifications.notification as n
    where n.user_id = :customerId
    order by n.id
    limit 500
), told as (
    delete from notifications.notification as n
    where n.id = any (array(select g.id from gone as g))
    returning n.id
), tried as (
    delete from notifications.attempt as a
    where a.of_id = any (array(select g.id from gone as g))
), wanted as (
    delete from notifications.preference as p
    where p.user_id = :customerId
    returning 1
), counted as (
    delete from notifications.span as s
    where s.key = :customerId
    returning 1
), answer (status, body, events) as (
    select 'ok', null::json, jsonb_build_array(notifications.erased_event(:erasureId, :customerId, :round,
        jsonb_build_object(
            'notification', (select count(*) from told),
            'preference', (select count(*) from wanted),
            'span', (select count(*) from counted),
            'answer', vg.answers_forgotten(:customerId)),
        (select count(*) from told) >= 500))
)
select * from answer;
