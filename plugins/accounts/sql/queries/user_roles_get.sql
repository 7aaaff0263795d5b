-- in: id
-- out: the user's roles
select json_build_object(
    'userId', u.id,
    'roles', json_build_array(u.role),
    'companyId', u.company_id,
    'version', u.version) as body
from accounts.users as u
where u.id = :id
    and u.verified_at is not null;
