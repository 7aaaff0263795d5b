-- What charge points tell of themselves beyond the state of a connector:
-- firmware updates and uploads, security events, what vendors add, and the
-- certificates that they ask for.


-- The words that a kind of transfer goes through, in their order; an outcome
-- ends it. FIRMWARE and DIAGNOSTICS are OCPP 1.6's own, the others the
-- security whitepaper's. Idle is not here: it says that nothing is going on.
create table stations.transfer_status (
    kind    text not null,
    status  text not null,
    rank    int  not null,
    outcome text,
    constraint transfer_status_pkey primary key (kind, status),
    constraint transfer_outcome check (outcome in ('DONE', 'FAILED'))
);
insert into stations.transfer_status (kind, status, rank, outcome) values
    ('FIRMWARE', 'Asked', 0, null),
    ('FIRMWARE', 'Downloading', 1, null),
    ('FIRMWARE', 'DownloadFailed', 2, 'FAILED'),
    ('FIRMWARE', 'Downloaded', 2, null),
    ('FIRMWARE', 'Installing', 3, null),
    ('FIRMWARE', 'InstallationFailed', 4, 'FAILED'),
    ('FIRMWARE', 'Installed', 4, 'DONE'),
    ('SIGNED_FIRMWARE', 'Asked', 0, null),
    ('SIGNED_FIRMWARE', 'DownloadScheduled', 1, null),
    ('SIGNED_FIRMWARE', 'Downloading', 2, null),
    ('SIGNED_FIRMWARE', 'DownloadPaused', 3, null),
    ('SIGNED_FIRMWARE', 'DownloadFailed', 4, 'FAILED'),
    ('SIGNED_FIRMWARE', 'Downloaded', 4, null),
    ('SIGNED_FIRMWARE', 'InvalidSignature', 5, 'FAILED'),
    ('SIGNED_FIRMWARE', 'SignatureVerified', 5, null),
    ('SIGNED_FIRMWARE', 'InstallScheduled', 6, null),
    ('SIGNED_FIRMWARE', 'Installing', 7, null),
    ('SIGNED_FIRMWARE', 'InstallRebooting', 8, null),
    ('SIGNED_FIRMWARE', 'InstallVerificationFailed', 9, 'FAILED'),
    ('SIGNED_FIRMWARE', 'InstallationFailed', 9, 'FAILED'),
    ('SIGNED_FIRMWARE', 'Installed', 9, 'DONE'),
    ('DIAGNOSTICS', 'Asked', 0, null),
    ('DIAGNOSTICS', 'Uploading', 1, null),
    ('DIAGNOSTICS', 'UploadFailed', 2, 'FAILED'),
    ('DIAGNOSTICS', 'Uploaded', 2, 'DONE'),
    ('LOG', 'Asked', 0, null),
    ('LOG', 'Uploading', 1, null),
    ('LOG', 'BadMessage', 2, 'FAILED'),
    ('LOG', 'NotSupportedOperation', 2, 'FAILED'),
    ('LOG', 'PermissionDenied', 2, 'FAILED'),
    ('LOG', 'UploadFailure', 2, 'FAILED'),
    ('LOG', 'Uploaded', 2, 'DONE');

-- The moves: forward, also over words that were lost on the way; and back
-- where a charger tries again. From an outcome there is only trying again.
create table stations.transfer_move (
    kind        text not null,
    from_status text not null,
    to_status   text not null,
    constraint transfer_move_pkey primary key (kind, from_status, to_status),
    constraint transfer_move_from foreign key (kind, from_status) references stations.transfer_status (kind, status),
    constraint transfer_move_to foreign key (kind, to_status) references stations.transfer_status (kind, status)
);
insert into stations.transfer_move (kind, from_status, to_status)
select a.kind, a.status, b.status
from stations.transfer_status as a
join stations.transfer_status as b on b.kind = a.kind and b.rank > a.rank
where a.outcome is null;
insert into stations.transfer_move (kind, from_status, to_status) values
    ('FIRMWARE', 'DownloadFailed', 'Downloading'),
    ('FIRMWARE', 'InstallationFailed', 'Installing'),
    ('SIGNED_FIRMWARE', 'DownloadFailed', 'Downloading'),
    ('SIGNED_FIRMWARE', 'DownloadFailed', 'DownloadScheduled'),
    ('SIGNED_FIRMWARE', 'DownloadPaused', 'Downloading'),
    ('SIGNED_FIRMWARE', 'InstallationFailed', 'Installing'),
    ('SIGNED_FIRMWARE', 'InstallRebooting', 'Installing'),
    ('DIAGNOSTICS', 'UploadFailed', 'Uploading'),
    ('LOG', 'UploadFailure', 'Uploading');


-- A firmware update or an upload that a charge point took on.
create table stations.transfer (
    id              uuid        not null,
    charge_point_id text        not null,
    kind            text        not null,
    request_id      int,                    -- the whitepaper's; 1.6 has none
    location        text,                   -- without user and password
    file_name       text,                   -- as the charger named its upload
    status          text        not null default 'Asked',
    outcome         text,                   -- DONE, FAILED, or SUPERSEDED by a later one
    asked_by        text        not null,
    asked_at        timestamptz not null,
    reported_at     timestamptz,
    ended_at        timestamptz,
    constraint transfer_pkey primary key (id),
    constraint transfer_word foreign key (kind, status) references stations.transfer_status (kind, status),
    constraint transfer_charge_point foreign key (charge_point_id)
        references stations.charge_point (id) on delete cascade
);
create index transfer_by_charge_point on stations.transfer (charge_point_id, id);

create function stations.transfer_moves() returns trigger
language plpgsql as $$
begin
    if not exists (
        select
        from stations.transfer_move as m
        where m.kind = new.kind and m.from_status = old.status and m.to_status = new.status)
    then
        raise exception 'transfer %: % to %', new.id, old.status, new.status;
    end if;
    return new;
end
$$;
create trigger transfer_moves before update of status on stations.transfer
    for each row when (old.status is distinct from new.status)
    execute function stations.transfer_moves();


-- Every such message as it came. expected: it was a move of a transfer that
-- was asked for, or needs none.
create table stations.notice (
    id              uuid        not null,
    charge_point_id text        not null,
    action          text        not null,
    payload         jsonb       not null,
    transfer_id     uuid,
    expected        boolean     not null default true,
    received_at     timestamptz not null,
    constraint notice_pkey primary key (id),
    constraint notice_transfer foreign key (transfer_id) references stations.transfer (id) on delete set null,
    constraint notice_charge_point foreign key (charge_point_id)
        references stations.charge_point (id) on delete cascade
);
create index notice_by_charge_point on stations.notice (charge_point_id, id);
create index notice_by_transfer on stations.notice (transfer_id) where transfer_id is not null;
create index notice_received on stations.notice (received_at);


-- A certificate that a charge point asks for. There is one open request at a
-- time: keys are made anew, and the newest is the one that the charger holds.
create table stations.certificate_request (
    id              uuid        not null,
    charge_point_id text        not null,
    csr             text        not null,   -- PKCS #10, PEM
    status          text        not null default 'PENDING',
    chain           text,                   -- what it was answered
    answered_by     text,
    answered_at     timestamptz,
    received_at     timestamptz not null,
    constraint certificate_request_pkey primary key (id),
    constraint certificate_request_status check (status in ('PENDING', 'ACCEPTED', 'REJECTED', 'SUPERSEDED')),
    constraint certificate_request_charge_point foreign key (charge_point_id)
        references stations.charge_point (id) on delete cascade
);
create index certificate_request_by_charge_point on stations.certificate_request (charge_point_id, id);
create unique index certificate_request_open on stations.certificate_request (charge_point_id)
    where status = 'PENDING';


-- without_user(location): a location as it may be shown; ftp://user:pass@host
-- is how chargers are given a password.
create function stations.without_user(location text) returns text
language sql immutable parallel safe
return pg_catalog.regexp_replace(location, '^([A-Za-z][A-Za-z0-9+.-]*://)[^/?#]*@', '\1');

create view stations.transfer_json as
select
    t.id,
    t.charge_point_id,
    pg_catalog.json_build_object(
        'id', t.id,
        'kind', t.kind,
        'requestId', t.request_id,
        'location', t.location,
        'fileName', t.file_name,
        'status', t.status,
        'outcome', t.outcome,
        'askedBy', t.asked_by,
        'askedAt', vg.z(t.asked_at),
        'reportedAt', vg.z(t.reported_at),
        'endedAt', vg.z(t.ended_at),
        'reports', (
            select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
                'status', n.payload ->> 'status',
                'expected', n.expected,
                'receivedAt', vg.z(n.received_at)) order by n.id), '[]')
            from stations.notice as n
            where n.transfer_id = t.id)) as body
from stations.transfer as t;

create view stations.notice_json as
select
    n.id,
    n.charge_point_id,
    n.action,
    pg_catalog.json_build_object(
        'id', n.id,
        'action', n.action,
        'payload', n.payload,
        'transferId', n.transfer_id,
        'expected', n.expected,
        'receivedAt', vg.z(n.received_at)) as body
from stations.notice as n;

create view stations.command_json as
select
    c.id,
    c.charge_point_id,
    c.action,
    pg_catalog.json_build_object(
        'id', c.id,
        'action', c.action,
        'result', c.result,
        'callerId', c.caller_id,
        'at', vg.z(c.at)) as body
from stations.command as c;

create function stations.certificate_request_body(r stations.certificate_request) returns json
language sql stable
return pg_catalog.json_build_object(
    'id', r.id,
    'chargePointId', r.charge_point_id,
    'csr', r.csr,
    'status', r.status,
    'certificateChain', r.chain,
    'answeredBy', r.answered_by,
    'answeredAt', vg.z(r.answered_at),
    'receivedAt', vg.z(r.received_at));

create view stations.certificate_request_json as
select
    r.id,
    r.charge_point_id,
    r.status,
    stations.certificate_request_body(r) as body
from stations.certificate_request as r;
