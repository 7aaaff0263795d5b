-- Transaction messages that made no sense: answered with success, kept as
-- they came, settled by an operator. The same message again only counts.

create table charging.quarantine (
    id              uuid        not null,
    charge_point_id text        not null,
    action          text        not null,
    payload         jsonb       not null,
    digest          text        generated always as (md5(payload::text)) stored,
    reason          text        not null,
    operator_id     text,
    session_id      uuid,                   -- which it was held to be about
    transaction_id  int,                    -- what a Start was answered
    received_at     timestamptz not null,
    repeats         int         not null default 0,
    resolved_at     timestamptz,
    resolved_by     text,
    note            text,
    version         int         not null default 1,
    constraint quarantine_pkey primary key (id),
    constraint quarantine_message unique (charge_point_id, action, digest)
);
create index quarantine_transaction on charging.quarantine (transaction_id) where transaction_id is not null;
create index quarantine_operator on charging.quarantine (operator_id, id);

-- operator_of(identity): whose a charge point is, as far as charging knows.
create function charging.operator_of(charge_point text) returns text
language plpgsql stable parallel safe as $$
begin
    return (
        select c.operator_id
        from charging.connector c
        where c.charge_point_id = charge_point
            and c.removed_at is null
        limit 1);
end
$$;

create function charging.quarantine_body(q charging.quarantine) returns json
language sql stable parallel safe
return json_build_object(
    'id', q.id,
    'chargePointId', q.charge_point_id,
    'action', q.action,
    'payload', q.payload,
    'reason', q.reason,
    'sessionId', q.session_id,
    'transactionId', q.transaction_id,
    'receivedAt', vg.z(q.received_at),
    'repeats', q.repeats,
    'resolvedAt', vg.z(q.resolved_at),
    'resolvedBy', q.resolved_by,
    'note', q.note,
    'version', q.version
);

create view charging.quarantine_json as
select q.id,
    q.operator_id,
    q.charge_point_id,
    q.resolved_at,
    charging.quarantine_body(q) as body
from charging.quarantine q;
