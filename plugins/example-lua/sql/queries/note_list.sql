-- in: nothing
-- out: the caller's notes, oldest first
select n.body, n.id::text as cursor
from example.note_json as n
where n.author = :callerId
    and (:cursor is null or n.id > vg.cursor_id(:cursor))
order by n.id
limit :limit;
