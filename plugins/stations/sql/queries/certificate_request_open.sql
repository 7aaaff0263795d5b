-- in: id, requestId
-- out: the request, for the charge point's operator
select r.body
from stations.certificate_request_json as r
join stations.charge_point as p on p.id = r.charge_point_id
where r.id = :requestId
    and r.charge_point_id = :id
    and (:callerRole = 'admin' or p.operator_id = :callerCompany);
