-- What is forgotten of a customer.

-- counted({what: rows}): [{"what", "rows"}]
create function reservations.counted(counts jsonb) returns jsonb
language plpgsql immutable parallel safe as $$
begin
    return (
        select coalesce(jsonb_agg(jsonb_build_object('what', c.key, 'rows', c.value) order by c.key), '[]')
        from jsonb_each(counts) c);
end
$$;

-- erased_event(…): what was erased in this round, and whether that was all.
create function reservations.erased_event(
    erasure uuid, customer text, round bigint, erased jsonb, more boolean, open bigint) returns jsonb
language sql stable parallel safe
return jsonb_build_object(
    'type', 'customer.erased.v1',
    'aggregateId', customer,
    'payload', jsonb_build_object(
        'erasureId', erasure,
        'plugin', 'reservations',
        'round', round,
        'status', case when more then 'MORE' when open > 0 then 'POSTPONED' else 'DONE' end,
        'erased', reservations.counted(erased),
        'kept', '[]'::jsonb,
        'open', reservations.counted(jsonb_build_object('reservation', open))));
