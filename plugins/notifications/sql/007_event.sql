-- heard(found, …): all that follows from an event, in the commit in which the
-- cursor moves. follows is what the rules in Lua made of it: an array of {ruleId,
-- key, window, drafts, incident}; a rule with a window comes about with the
-- event that fills it, and all notifications of that event bear the same key.
--
-- What is said of the event is taken from it here, since what passed through
-- Lua is no decimal any more.
create function notifications.heard(
    follows jsonb, payload jsonb, event uuid, event_type text, happened timestamptz, moment timestamptz, correlation text) returns void
language plpgsql as $$
declare
    f     jsonb;
    draft jsonb;
    nth   int;
    start timestamptz;
    once  text;
    said  jsonb;
begin
    if follows = '[]' then
        return;
    end if;
    select coalesce(jsonb_object_agg(m.key, m.value), '{}') into said
    from jsonb_each(payload) as m
    where jsonb_typeof(m.value) in ('string', 'number', 'boolean');

    for f in select e.value from jsonb_array_elements(follows) as e loop
        start := null;
        if f -> 'window' is not null then
            start := notifications.counted((f ->> 'ruleId')::uuid, f ->> 'key', f -> 'window', happened);
            continue when start is null;
        end if;
        nth := 0;
        for draft in select d.value from jsonb_array_elements(f -> 'drafts') as d loop
            nth := nth + 1;
            once := f ->> 'ruleId' || '/' || nth || '/' || coalesce(draft ->> 'userId', draft ->> 'companyId', '') || '/' || case
                when start is not null then f ->> 'key' || '/' || extract(epoch from start)::bigint
                when draft -> 'once' is not null then draft #>> '{once,key}' || '/' || extract(epoch from date_bin(
                    make_interval(secs => (draft #>> '{once,seconds}')::int), happened, timestamptz '1970-01-01 00:00:00Z'))::bigint
                else event::text
            end;
            perform notifications.notify(draft || jsonb_build_object('data', said), once, (f ->> 'ruleId')::uuid, event_type, moment, correlation);
        end loop;
        if f -> 'incident' is not null then
            perform notifications.opened(f -> 'incident' || jsonb_build_object('data', said), (f ->> 'ruleId')::uuid, moment, correlation);
        end if;
    end loop;
end
$$;
