-- in: stationId, connectorId, operatorId (one of them), tariff, currency, validFrom (not before now), startsAt, endsAt
-- out: created, the version; event pricing.updated.v1
-- refuses: target_unknown, not_yours
--
-- The conflict serialises versions of one tariff. A target that was just made
-- (its event is on the way) is taken; whether it is the caller's is then
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
        pricing.operator_of(t.scope, t.id) as company_id,
        case when t.free then null else :callerCompany end as owner_id
    from target as t
), tariff as (
    insert into pricing.tariff as t (tariff_id, scope, target_id)
    select :newId, j.scope, j.id
    from judged as j
    where j.verdict = 'created'
    on conflict (scope, target_id) do update
    set version = t.version + 1
    returning t.tariff_id, t.version
), stored as (
    insert into pricing.tariff_version as v (
        tariff_version_id, tariff_id, number, owner_id, tariff, currency,
        valid_from, starts_at, ends_at, created_at)
    select
        vg.uuid7(), t.tariff_id, t.version, j.owner_id, :tariff, :currency,
        greatest(:validFrom, :now), :startsAt, :endsAt, :now
    from tariff as t
    cross join judged as j
    returning v.tariff_version_id, v.tariff_id, v.owner_id, v.valid_from
), told as (
    select
        s.tariff_id,
        s.owner_id,
        jsonb_build_object(
            'tariffVersionId', s.tariff_version_id,
            'tariffId', s.tariff_id,
            'stationId', :stationId,
            'connectorId', :connectorId,
            'operatorId', :operatorId,
            'tariff', :tariff,
            'currency', :currency,
            'validFrom', vg.z(s.valid_from)) as payload
    from stored as s
), answer (status, body, events) as (
    select
        j.verdict,
        t.payload::json,
        case
            when t.payload is not null
            then jsonb_build_array(jsonb_build_object(
                'type', 'pricing.updated.v1',
                'aggregateId', t.tariff_id,
                'payload', t.payload || jsonb_build_object(
                    'ownerId', t.owner_id,
                    'companyId', coalesce(j.company_id, t.owner_id))))
        end
    from judged as j
    left join told as t on true
)
select * from answer;
