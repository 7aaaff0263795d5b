-- in: sessionId, vehicleId
-- out: {id}: that session, or the one that the vehicle has open; null for none
select json_build_object('id', (
        select s.id
        from charging.session s
        where (s.id = :sessionId
                or :sessionId is null
                    and s.vehicle_id = :vehicleId
                    and s.status in ('PENDING', 'STARTING', 'ACTIVE', 'SUSPENDED', 'STOPPING'))
            and vg.visible(:callerRole, :callerId, :callerCompany, s.customer_id, s.operator_id, s.company_id)
        order by s.id desc
        limit 1)) as body;
