-- in: id, stopDeadline
-- out: {session, stop}: accepted; ok when it is over already. stop is the
-- transaction that the charger has to be asked to stop, null for none.
-- refuses: not_found, precondition_failed
-- What has not begun is cancelled; what runs is asked to stop by the step
-- that follows. Asking twice is asking once.
with found as (
    select s.id,
        s.status,
        :ifMatch is null or s.version = any (:ifMatch) as matched,
        charging.session_body(s) as body
    from charging.session s
    where s.id = :id
        and vg.visible(:callerRole, :callerId, :callerCompany, s.customer_id, s.operator_id, s.company_id)
), ended as (
    update charging.session s
    set status = case when f.status in ('PENDING', 'STARTING') then 'FAILED' else 'STOPPING' end,
        failure = case when f.status in ('PENDING', 'STARTING') then 'cancelled' end,
        stop_deadline = case
            when f.status in ('ACTIVE', 'SUSPENDED') then :now + make_interval(secs => :stopDeadline)
        end,
        version = s.version + 1
    from found f
    where s.id = f.id
        and f.matched
        and f.status in ('PENDING', 'STARTING', 'ACTIVE', 'SUSPENDED')
    returning s.status,
        s.transaction_id,
        charging.session_body(s) as body,
        charging.session_event(s, 'charging.session.failed.v1') as event
), answer (status, body, events) as (
    select case
            when f.id is null then 'not_found'
            when not f.matched then 'precondition_failed'
            when f.status in ('COMPLETED', 'FAILED') then 'ok'
            else 'accepted'
        end,
        case
            when f.matched
            then json_build_object('session', coalesce(e.body, f.body), 'stop', e.transaction_id)
        end,
        case
            when e.status = 'FAILED'
            then jsonb_build_array(e.event, jsonb_build_object('saga', 'charging.start', 'id', f.id))
            when e.status is not null then jsonb_build_array(jsonb_build_object('wake', f.id))
        end
    from (select) one
    left join found f on true
    left join ended e on true
)
select * from answer;
