-- in: sessionId, connectorId (null: not known where), startTime
-- out: ok
--
-- A later start at a connector takes the place of one whose end is not told.
with running as (
    insert into stations.running as r (connector_id, session_id, since)
    select :connectorId, :sessionId, :startTime
    where :connectorId is not null
    on conflict (connector_id) do update
    set session_id = excluded.session_id,
        since = excluded.since
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
