-- The sagas that charging begins: charging.start.
select vg.saga_ground('charging');

-- refused(error): raises it by its name, so that nothing of the change stays.
create function charging.refused(error text) returns text
language plpgsql as $$
begin
    raise exception 'refused: %', error using errcode = '23514', constraint = error;
end
$$;
