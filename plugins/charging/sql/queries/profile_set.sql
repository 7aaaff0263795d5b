-- in: chargePointId, connectorNumber, row; :outcome is the charger's answer
-- out: created, the profile with what the charger said to it
with made as (
    select charging.profile_store(:newId, :chargePointId, :connectorNumber::int,
        :row #> '{payload,csChargingProfiles}', :outcome ->> 'status', :callerId, :now) as body
), answer (status, body, events) as (
    select 'created', m.body, null::jsonb
    from made m
)
select * from answer;
