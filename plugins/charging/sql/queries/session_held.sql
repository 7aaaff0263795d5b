-- in: sessionId
-- out: the session's state, and its hold's, once that is decided or the start
-- is; no row before that
select json_build_object('status', s.status, 'failure', coalesce(s.failure, s.hold_failure), 'hold', s.hold_status) as body
from charging.session s
where s.id = :sessionId
    and (s.status not in ('PENDING', 'STARTING') or s.hold_status <> 'PENDING');
