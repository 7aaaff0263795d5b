-- What was sent to a charge point, for whom, and what it said: an operator
-- asks first who restarted a charger.
create table stations.command (
    id              uuid        not null,
    charge_point_id text        not null,
    action          text        not null,
    result          jsonb       not null,
    caller_id       text        not null,
    at              timestamptz not null,
    constraint command_pkey primary key (id)
);
create index command_charge_point on stations.command (charge_point_id, id);
