-- in: the raw payload
-- out: OCPP's StartTransaction.conf, always
-- No session can be made of it, yet its transactionId is real and unique, so
-- that the Stop to come finds this row.
with tag as (
    select charging.tag_status(t.status, t.expires_at, :now) as status
    from charging.id_tag t
    where t.tag_key = lower(:payload ->> 'idTag')
), kept as (
    insert into charging.quarantine as q (id, charge_point_id, action, payload, reason, operator_id, transaction_id, received_at)
    select :newId, :chargePoint, 'StartTransaction', :payload, 'fields', charging.operator_of(:chargePoint),
        nextval('charging.transaction_id'), :now
    on conflict on constraint quarantine_message do update
    set repeats = q.repeats + 1
    returning q.transaction_id
), answer (status, body, events) as (
    select 'ok',
        json_build_object(
            'transactionId', k.transaction_id,
            'idTagInfo', json_build_object('status', coalesce(t.status, 'Invalid'))),
        null::jsonb
    from kept k
    left join tag t on true
)
select * from answer;
