-- in: customerId, after, most (rows of a page)
-- out: {rows: [{kind, row}], next}: what reservations holds about a customer, a page of it
-- Copies of what others hold (tags) are theirs to show.
with page as (
    select r.id, reservations.reservation_body(r) as body
    from reservations.reservation r
    where r.customer_id = :customerId
        and (:after is null or r.id > vg.cursor_id(:after))
    order by r.id
    limit :most
)
select json_build_object(
    'rows', coalesce((
        select json_agg(json_build_object('kind', 'reservation', 'row', g.body) order by g.id)
        from page g), '[]'),
    'next', (
        select case when count(*) = :most then max(g.id::text) end
        from page g)) as body;
