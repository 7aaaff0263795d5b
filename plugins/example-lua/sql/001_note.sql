-- Notes. Each belongs to who wrote it, and nobody else sees it.
create table example.note (
    id         uuid        not null,
    author     text        not null,    -- subject of the caller
    text       text        not null,
    created_at timestamptz not null,
    version    int         not null default 1,
    constraint note_pkey primary key (id)
);
create index note_author on example.note (author, id);

create view example.note_json as
select n.id, n.author, pg_catalog.json_build_object(
    'id', n.id,
    'text', n.text,
    'createdAt', vg.z(n.created_at)) as body
from example.note as n;
