-- in: email
-- out: what a sandbox kept instead of sending it, newest first
select json_build_object(
    'id', m.id,
    'email', m.email,
    'template', m.template,
    'data', m.data,
    'at', vg.z(m.at)) as body, m.id::text as cursor
from accounts.sandbox_mail as m
where (:cursor is null or m.id < vg.cursor_id(:cursor))
    and (:email is null or m.email_key = accounts.email_key(:email))
order by m.id desc
limit :limit;
