-- in: before, batch
-- out: ok, how many meter values are gone
-- What a session needs that is not over stays; of one that is not priced for 90
-- days more, or what nobody ever prices would be read again at each turn.
with old as materialized (
    select v.ctid as place
    from charging.meter_value v
    where v.received_at < :before
        and not exists (
            select
            from charging.session s
            where s.id = v.session_id
                and s.status <> 'FAILED'
                and (s.status <> 'COMPLETED'
                    or s.cost is null and s.completed_at > :before - interval '90 days'))
    order by v.received_at
    limit :batch
), gone as (
    delete from charging.meter_value v
    where v.ctid = any (array(
        select o.place
        from old o))
    returning 1
), answer (status, body, events) as (
    select 'ok', to_json(count(*)), null::jsonb
    from gone
)
select * from answer;
