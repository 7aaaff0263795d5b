-- in: nothing
-- out: an array of what is revoked and may still be shown
select coalesce(json_agg(json_build_object('id', r.id, 'before', vg.z(r.before), 'until', vg.z(r.until))), '[]') as body
from accounts.revocation as r
where r.until > :now;
