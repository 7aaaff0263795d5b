-- in: customerId, after, most (rows of a page)
-- out: {rows: [{kind, row}], next}: what billing holds about a customer, a page of it
with page as (
    select j.id, j.body
    from billing.invoice_json j
    where j.customer_id = :customerId
        and (:after is null or j.id > vg.cursor_id(:after))
    order by j.id
    limit :most
)
select json_build_object(
    'rows', coalesce((
        select json_agg(json_build_object('kind', 'invoice', 'row', g.body) order by g.id)
        from page g), '[]'),
    'next', (
        select case when count(*) = :most then max(g.id::text) end
        from page g)) as body;
