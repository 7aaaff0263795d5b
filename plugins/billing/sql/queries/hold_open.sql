-- in: subjectKind, subject, reservationId, customerId, companyId, operatorId, expiresAt, revision, invoice
-- out: ok, what hold.changed.v1 says of it; status NONE where nothing is to be held
-- Asked again it answers what there is; a reservation's is brought to another
-- amount so, or let go of. A card's part leaves a row in vg.job: see
-- billing.intent_push().
with opened as (
    select o as hold
    from billing.hold_open(:subjectKind, :subject, :reservationId, :customerId, :companyId, :operatorId,
        :invoice ->> 'currency', coalesce((:invoice ->> 'total')::numeric, 0),
        (:invoice ->> 'net')::numeric / nullif((:invoice ->> 'total')::numeric, 0),
        coalesce(:expiresAt, :now + interval '7 days'), :now, :correlationId, coalesce(:revision, 0)::int) o
), answer (status, body, events) as (
    select 'ok',
        case
            when (o.hold).id is not null then billing.hold_event(o.hold) -> 'payload'
            else jsonb_build_object('status', 'NONE')
        end::json,
        case when (o.hold).id is not null then jsonb_build_array(billing.hold_event(o.hold)) end
    from (select) one
    left join opened o on true
)
select * from answer;
