-- in: before, batch
-- out: ok, how many holds are gone that were opened so long ago, and are over
with old as materialized (
    select h.id
    from billing.hold h
    where h.id < vg.uuid7_floor(:before)
        and h.status in ('REFUSED', 'CAPTURED', 'RELEASED')
    order by h.id
    limit :batch
), parts as (
    delete from billing.hold_part p
    where p.hold_id = any (array(
        select o.id
        from old o))
), gone as (
    delete from billing.hold h
    where h.id = any (array(
        select o.id
        from old o))
    returning 1
), answer (status, body, events) as (
    select 'ok', to_json(count(*)), null::jsonb
    from gone
)
select * from answer;
