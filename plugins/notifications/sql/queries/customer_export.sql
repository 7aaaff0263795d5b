-- in: customerId, after, most (rows of a page)
-- out: {rows: [{kind, row}], next}: what notifications holds about a customer, a page of it
with page as (
    select n.id, notifications.notification_body(n)::jsonb || jsonb_build_object('data', n.data) as body
    from notifications.notification as n
    where n.user_id = :customerId
        and (:after is null or n.id > vg.cursor_id(:after))
    order by n.id
    limit :most
)
select json_build_object(
    'rows', coalesce((
        select jsonb_agg(jsonb_build_object('kind', 'notification', 'row', g.body) order by g.id)
        from page as g), '[]') || coalesce((
        select jsonb_build_array(jsonb_build_object('kind', 'preference', 'row', notifications.preference_body(p.user_id, p)))
        from notifications.preference as p
        where p.user_id = :customerId
            and :after is null), '[]'),
    'next', (
        select case when count(*) = :most then max(g.id::text) end
        from page as g)) as body;
