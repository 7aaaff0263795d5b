-- in: id, companies, maxLength, maxSend
-- out: ok, the list
-- refuses: not_found, forbidden, precondition_failed
-- An operator's charge points know its own tags; those of other companies are
-- an admin's to give.
with place as (
    select charging.operator_of(:id) as operator_id
), wanted as (
    select p.operator_id,
        coalesce(
            (select array_agg(distinct c.value order by c.value) from jsonb_array_elements_text(:companies) c),
            case when :companies is null then array[p.operator_id] else '{}' end) as companies
    from place p
    where p.operator_id is not null
        and (:callerRole = 'admin' or :callerRole = 'operator' and p.operator_id = :callerCompany)
), made as (
    insert into charging.local_list as l (charge_point_id, companies, max_length, max_send, next_at)
    select :id, w.companies, coalesce(:maxLength, 1000), coalesce(:maxSend, 100), :now
    from wanted w
    where (:callerRole = 'admin' or w.companies <@ array[w.operator_id])
        and (:ifMatch is null or exists (select from charging.local_list x where x.charge_point_id = :id))
    on conflict (charge_point_id) do update
    set companies = excluded.companies,
        max_length = excluded.max_length,
        max_send = excluded.max_send,
        due = true,
        full_due = l.full_due or l.status = 'NOT_SUPPORTED',
        tries = 0,
        next_at = excluded.next_at,
        version = l.version + 1
    where :ifMatch is null or l.version = any (:ifMatch)
    returning charging.local_list_body(l) as body
), answer (status, body, events) as (
    select case
            when m.body is not null then 'ok'
            when exists (
                select
                from wanted w
                where :callerRole = 'admin' or w.companies <@ array[w.operator_id]) then 'precondition_failed'
            when exists (select from wanted) then 'forbidden'
            else 'not_found'
        end,
        m.body,
        case when m.body is not null then jsonb_build_array(charging.local_list_event(:id)) end
    from (select) one
    left join made m on true
)
select * from answer;
