-- What is forgotten of a customer.

create function notifications.counted_rows(counts jsonb) returns jsonb
language plpgsql immutable parallel safe as $$
begin
    return (
        select coalesce(jsonb_agg(jsonb_build_object('what', c.key, 'rows', c.value) order by c.key), '[]')
        from jsonb_each(counts) as c);
end
$$;

-- erased_event(…): what was erased in this round, and whether that was all.
create function notifications.erased_event(erasure uuid, customer text, round bigint, erased jsonb, more boolean) returns jsonb
language sql stable parallel safe
return jsonb_build_object(
    'type', 'customer.erased.v1',
    'aggregateId', customer,
    'payload', jsonb_build_object(
        'erasureId', erasure,
        'plugin', 'notifications',
        'round', round,
        'status', case when more then 'MORE' else 'DONE' end,
        'erased', notifications.counted_rows(erased),
        'kept', '[]'::jsonb,
        'open', '[]'::jsonb));
