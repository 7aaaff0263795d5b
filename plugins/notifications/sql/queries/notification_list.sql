-- in: channel, status, unread
-- out: what the caller was told, newest first
select n.body, n.id::text as cursor
from notifications.notification_json as n
where (:cursor is null or n.id < vg.cursor_id(:cursor))
    and (:channel is null or (n.row).channel = :channel)
    and (:status is null or (n.row).status = :status)
    and (:unread is null or ((n.row).read_at is null) = :unread)
    and notifications.visible(n.row, :callerRole, :callerId, :callerCompany)
order by n.id desc
limit :limit;
