-- in: customerId, vehicleId
-- out: of each who it is and whose, or null: not known, or not any more
select json_build_object(
    'customer', (
        select json_build_object(
            'id', c.id,
            'customerId', c.id,
            'operatorId', c.company_id,
            'companyId', c.company_id,
            'version', c.version)
        from accounts.customer as c
        where c.id = :customerId
            and c.status = 'ACTIVE'),
    'vehicle', (
        select json_build_object(
            'id', v.id,
            'customerId', v.customer_id,
            'operatorId', v.operator_id,
            'companyId', v.company_id,
            'version', (v.row).version)
        from accounts.vehicle_json as v
        where v.id = :vehicleId
            and v.customer_status = 'ACTIVE')) as body;
