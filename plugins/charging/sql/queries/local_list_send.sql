-- in: chargePointId
-- out: ok, {payload} to send; null when there is nothing to
-- While one is under way there is no other: its answer asks for the next. One
-- that has been for a minute was never answered: nobody knows what the charge
-- point holds, and only a full list makes that known.
with found as (
    select l as list
    from charging.local_list l
    where l.charge_point_id = :chargePointId
        and l.due
        and (l.sending is null or coalesce(l.sent_at, '-infinity') < :now - interval '60 seconds')
), unsure as (
    select case
            when (f.list).sending is null then f.list
            else jsonb_populate_record(f.list, '{"full_due": true}')
        end as list
    from found f
), planned as (
    select u.list,
        charging.local_list_plan(u.list) as payload
    from unsure u
), noted as (
    update charging.local_list l
    set sending = p.payload,
        sent_at = :now,
        full_due = (p.list).full_due,
        due = p.payload is not null,
        tries = case when p.payload is null then 0 else l.tries end,
        status = case when p.payload is null then 'IN_STEP' else l.status end
    from planned p
    where l.charge_point_id = :chargePointId
), answer (status, body, events) as (
    select 'ok',
        (select json_build_object('payload', p.payload) from planned p where p.payload is not null),
        null::jsonb
)
select * from answer;
