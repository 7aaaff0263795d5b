-- in: id; :outcome is the charger's answer to GetLocalListVersion
-- out: ok, {listVersion, expected, inStep}
-- refuses: not_found
-- -1 is a charge point that has no such list. A version that is not ours
-- means contents that are not known.
with found as (
    select l.charge_point_id,
        l.list_version,
        l.list_version = (:outcome ->> 'listVersion')::numeric and not l.full_due as same
    from charging.local_list l
    where l.charge_point_id = :id
), changed as (
    update charging.local_list l
    set full_due = true,
        due = (:outcome ->> 'listVersion')::numeric >= 0,
        status = case when (:outcome ->> 'listVersion')::numeric < 0 then 'NOT_SUPPORTED' else l.status end,
        next_at = :now
    from found f
    where l.charge_point_id = f.charge_point_id
        and not f.same
        and l.sending is null
), answer (status, body, events) as (
    select 'ok',
        json_build_object('listVersion', :outcome -> 'listVersion', 'expected', f.list_version, 'inStep', f.same),
        null::jsonb
    from found f
    union all
    select 'not_found', null, null
    where not exists (select from found)
)
select * from answer;
