-- in: nothing
-- out: ok; an event for each list that is due
-- next_at goes on by more than a charger may take, so that each is told once;
-- an answer that comes makes it earlier.
with ripe as (
    select l.charge_point_id
    from charging.local_list l
    where l.due
        and l.next_at <= :now
    order by l.next_at
    limit 100
    for no key update skip locked
), told as (
    update charging.local_list l
    set next_at = :now + interval '90 seconds'
    from ripe r
    where l.charge_point_id = r.charge_point_id
    returning l.charge_point_id
), answer (status, body, events) as (
    select 'ok',
        null::json,
        (
            select jsonb_agg(charging.local_list_event(t.charge_point_id))
            from told t
        )
)
select * from answer;
