-- What is forgotten: of a customer, and what is old.

-- veiled(tag, salt): a tag that nobody has, the same for the same tag.
create function charging.veiled(tag text, salt text) returns text
language sql immutable parallel safe
return left(encode(sha256(convert_to(salt || lower(tag), 'UTF8')), 'hex'), 20);

-- counted({what: rows}): [{"what", "rows"}]
create function charging.counted(counts jsonb) returns jsonb
language plpgsql immutable parallel safe as $$
begin
    return (
        select coalesce(jsonb_agg(jsonb_build_object('what', c.key, 'rows', c.value) order by c.key), '[]')
        from jsonb_each(counts) c);
end
$$;

-- erased_event(…): what was erased in this round, and whether that was all.
create function charging.erased_event(erasure uuid, customer text, round bigint, erased jsonb, more boolean, running bigint,
    booked bigint) returns jsonb
language sql stable parallel safe
return jsonb_build_object(
    'type', 'customer.erased.v1',
    'aggregateId', customer,
    'payload', jsonb_build_object(
        'erasureId', erasure,
        'plugin', 'charging',
        'round', round,
        'status', case when more then 'MORE' when running + booked > 0 then 'POSTPONED' else 'DONE' end,
        'erased', charging.counted(erased),
        'kept', '[]'::jsonb,
        'open', charging.counted(jsonb_build_object('session', running, 'reservationCopy', booked))));

-- by which old rows are found; those of sessions by their ids
create index meter_value_age on charging.meter_value (received_at);
create index connector_status_age on charging.connector_status (received_at);
create index quarantine_session on charging.quarantine (session_id) where session_id is not null;
create index quarantine_tag on charging.quarantine (lower(payload ->> 'idTag')) where payload ? 'idTag';
