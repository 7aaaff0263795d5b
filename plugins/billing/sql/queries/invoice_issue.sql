-- in: sessionId, operatorId, customerId, companyId, country, timeZone, startTime, endTime, energyKwh, costs, invoice, takenKwh
-- out: ok
-- One invoice for a session, whatever is told how often. Nothing to pay (or
-- nobody to pay it to) makes none, and draws no number; what was held for a
-- session that was free is let go, for one without a price in its time. (What that is on a card leaves a row in
-- vg.job: see billing.intent_push().) What it uses of a subscription is used in
-- the same commit.
with issued as (
    select billing.session_issue(:sessionId, :operatorId, :customerId, :companyId, :invoice,
        jsonb_build_object('country', :country, 'from', :startTime, 'to', :endTime, 'energyKwh', :energyKwh),
        :takenKwh, :costs ->> 'currency', coalesce(:endTime, :eventTime), :now, :correlationId) as event
), used as (
    insert into billing.used as u (session_id, operator_id, customer_id, company_id, month, ended_at, energy_kwh, seconds,
        currency)
    select :sessionId, :operatorId, :customerId, :companyId,
        date_trunc('month', e.ended_at at time zone coalesce(:timeZone, 'UTC')), e.ended_at,
        coalesce(:energyKwh, 0), coalesce(extract(epoch from e.ended_at - :startTime), 0), :costs ->> 'currency'
    from (select coalesce(:endTime, :eventTime)) as e (ended_at)
    on conflict on constraint used_pkey do update
    set currency = coalesce(excluded.currency, u.currency)
), freed as materialized (
    select case when :invoice is null then billing.hold_over(:sessionId, :costs is null, :now, :correlationId) end
), answer (status, body, events) as (
    select 'ok', null::json, case when i.event is not null then jsonb_build_array(i.event) end
    from issued i
    cross join freed f
)
select * from answer;
