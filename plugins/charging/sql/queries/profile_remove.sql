-- in: row; :outcome is the charger's answer to ClearChargingProfile
-- out: ok, {status, cleared}
-- Unknown, too, says that the charge point does not hold it.
with cleared as (
    select charging.profile_clear(:row ->> 'chargePointId',
        jsonb_build_object('id', :row #> '{profile,chargingProfileId}'), :now) as count
), answer (status, body, events) as (
    select 'ok', json_build_object('status', :outcome ->> 'status', 'cleared', c.count), null::jsonb
    from cleared c
)
select * from answer;
