-- in: chargePointId, row; :outcome is the charger's answer to ClearChargingProfile
-- out: ok, {status, cleared}
with cleared as (
    select charging.profile_clear(:chargePointId, :row -> 'payload', :now) as count
), answer (status, body, events) as (
    select 'ok', json_build_object('status', :outcome ->> 'status', 'cleared', c.count), null::jsonb
    from cleared c
)
select * from answer;
