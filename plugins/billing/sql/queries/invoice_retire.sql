-- in: before, batch, besides (moments by country)
-- out: ok, how many invoices are gone, with their lines and taxes
-- The time that a law names begins with the end of the year of issue.
with old as materialized (
    select i.id
    from billing.invoice i
    where i.id < vg.uuid7_floor(greatest(:before, (
            select max(b.value::timestamptz)
            from jsonb_each_text(:besides) b)))
        and i.issued_at < date_trunc('year', coalesce((:besides ->> i.country)::timestamptz, :before) at time zone 'UTC')
            at time zone 'UTC'
    order by i.id
    limit :batch
), lines as (
    delete from billing.invoice_line l
    where l.invoice_id = any (array(
        select o.id
        from old o))
), taxes as (
    delete from billing.invoice_tax t
    where t.invoice_id = any (array(
        select o.id
        from old o))
), gone as (
    delete from billing.invoice i
    where i.id = any (array(
        select o.id
        from old o))
    returning 1
), answer (status, body, events) as (
    select 'ok', to_json(count(*)), null::jsonb
    from gone
)
select * from answer;
