-- in: text
-- out: the note; tells example.created.v1
with note as (
    insert into example.note (id, author, text, created_at)
    values (:newId, :callerId, :text, :now)
    returning id, author, text, created_at
), answer(status, body, events) as (
    select 'created',
        json_build_object('id', n.id, 'text', n.text, 'createdAt', vg.z(n.created_at)),
        jsonb_build_array(jsonb_build_object('type', 'example.created.v1', 'aggregateId', n.id::text,
            'payload', jsonb_build_object('noteId', n.id, 'customerId', n.author)))
    from note as n
)
select * from answer;
