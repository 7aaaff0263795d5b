-- in: customerId, companyId, status, version
-- out: ok
-- One that is to be erased is none any more, and nor are its vehicles.
with noted as materialized (
    select charging.party_note('customer', :customerId, case
        when :status = 'ACTIVE'
        then jsonb_build_object(
            'customerId', :customerId,
            'operatorId', :companyId,
            'companyId', :companyId,
            'version', :version)
    end) as done
), gone as (
    update charging.party as p
    set gone = true
    where p.customer_id = :customerId
        and p.kind = 'vehicle'
        and :status <> 'ACTIVE'
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
    from noted as n
)
select * from answer;
