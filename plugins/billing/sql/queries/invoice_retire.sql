-- in: before, batch, besides (moments by country)
-- out: ok, how many invoices are gone, with their lines and taxes, and their credit notes
-- The time that a law names begins with the end of the year of issue; however
-- short the conf has it, what billing.invoice_stands() holds stays. Each
-- country is looked for by itself, in its own stretch of the index: one that
-- keeps longer is not read through for one that does not.
with recursive country (code) as (
    select min(coalesce(i.country, ''))
    from billing.invoice i
    union all
    select (
        select min(coalesce(i.country, ''))
        from billing.invoice i
        where coalesce(i.country, '') > c.code)
    from country c
    where c.code is not null
), bound as materialized (
    select c.code,
        least(date_trunc('year', coalesce((:besides ->> c.code)::timestamptz, :before) at time zone 'UTC')
            at time zone 'UTC', now() - interval '5 years') as moment
    from country c
    where c.code is not null
), old as materialized (
    select o.id
    from bound b
    cross join lateral (
        select i.id
        from billing.invoice i
        where coalesce(i.country, '') = b.code
            and i.issued_at < b.moment
            and not exists (
                select
                from billing.credit_note n
                where n.invoice_id = i.id
                    and n.issued_at >= b.moment)
        order by i.issued_at
        limit :batch) o
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
), note as materialized (
    select n.id
    from billing.credit_note n
    where n.invoice_id = any (array(
        select o.id
        from old o))
), note_lines as (
    delete from billing.credit_note_line l
    where l.credit_note_id = any (array(
        select n.id
        from note n))
), note_taxes as (
    delete from billing.credit_note_tax t
    where t.credit_note_id = any (array(
        select n.id
        from note n))
), notes as (
    delete from billing.credit_note d
    where d.id = any (array(
        select n.id
        from note n))
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
