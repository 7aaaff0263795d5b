-- in: id
-- out: {goesOn}: whether there is such a session, and it is not over
select json_build_object('goesOn', exists (
    select
    from charging.session s
    where s.id = :id
        and s.status in ('PENDING', 'STARTING', 'ACTIVE', 'SUSPENDED', 'STOPPING'))) as body;
