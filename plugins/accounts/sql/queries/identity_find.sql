-- in: id
-- out: id; of a key also what it limits: plan, quota, networks, since a token that was made of it is as limited; no row: nobody who may call
select json_build_object('id', u.id) as body
from accounts.users as u
where u.id = vg.cursor_id(:id)
    and u.verified_at is not null
    and u.blocked_at is null
union all
select json_build_object(
    'id', k.id,
    'plan', k.plan,
    'quota', k.quota,
    'networks', coalesce(k.networks, '[]'))
from accounts.api_key as k
where k.id = vg.cursor_id(:id)
    and accounts.api_key_good(k, :now);
