-- in: id
-- out: the note, to who wrote it
select n.body
from example.note_json as n
where n.id = :id
    and n.author = :callerId;
