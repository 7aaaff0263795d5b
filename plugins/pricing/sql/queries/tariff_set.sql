-- in: stationId, connectorId, operatorId (one of them), tariff, currency, validFrom (not before now), startsAt, endsAt
-- out: created, the version; event pricing.updated.v1
-- refuses: target_unknown, not_yours
--
-- A target that was just made (its event is on the way) is taken; whether it is the caller's is then
-- decided where the tariff is used, by owner_id (ownerId in the event).
with target as (
    select
        case
            when :connectorId is not null then 'connector'
            when :stationId is not null then 'station'
            else 'operator'
        end as scope,
        coalesce(:connectorId::text, :stationId::text, :operatorId::text) as id,
        :callerRole in ('admin', 'system') as free
), judged as (
    select
        case
            when not pricing.is_known(t.scope, t.id, :now) then 'target_unknown'
            when t.free then 'created'
            when :callerCompany <> ''
                and coalesce(pricing.operator_of(t.scope, t.id), :callerCompany) = :callerCompany
            then 'created'
            else 'not_yours'
        end as verdict,
        t.scope,
        t.id,
        case when t.free then null else :callerCompany end as owner_id
    from target as t
), stored as materialized (
    select pricing.version_add(j.scope, j.id, j.owner_id, :tariff, :currency,
        greatest(:validFrom, :now), :startsAt, :endsAt, null, :now) as version
    from judged as j
    where j.verdict = 'created'
), answer (status, body, events) as (
    select
        j.verdict,
        (s.version - array['ownerId', 'companyId', 'baseVersionId'])::json,
        case when s.version is not null then jsonb_build_array(pricing.told(s.version)) end
    from judged as j
    left join stored as s on true
)
select * from answer;
