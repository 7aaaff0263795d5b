-- in: sessionId
-- out: the session's state, once the start is decided; no row before that
select json_build_object('status', s.status, 'failure', s.failure) as body
from charging.session s
where s.id = :sessionId
    and s.status not in ('PENDING', 'STARTING');
