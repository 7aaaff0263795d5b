-- Quotas: how many calls a key has had in each month, of each node.

create table vg.quota (
    id    text   not null,  -- the caller's: a key's, or a user's; of 128 bytes or more its SHA-256
    month date   not null,  -- its first day; months are UTC's
    node  text   not null,
    used  bigint not null,
    constraint quota_pkey primary key (id, month, node),
    constraint quota_month check (extract(day from month) = 1),
    constraint quota_used check (used >= 0)
) with (fillfactor = 50);  -- a row is written once a second: in place
grant select, insert, update on vg.quota to vg_kit;
