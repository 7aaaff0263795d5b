-- in: chargePoint, csr
-- out: ok, SignCertificate.conf
--
-- The same request again is the same request. Accepted says that it was taken:
-- the certificate itself comes by CertificateSigned.
with open as (
    select r.id, r.csr
    from stations.certificate_request as r
    where r.charge_point_id = :chargePoint
        and r.status = 'PENDING'
), superseded as (
    update stations.certificate_request as r
    set status = 'SUPERSEDED'
    from open as o
    where r.id = o.id
        and o.csr <> :csr
    returning r.id
), asked as (
    insert into stations.certificate_request (id, charge_point_id, csr, received_at, status)
    select :newId, p.id, :csr, :now, case when (select count(*) from superseded as s) >= 0 then 'PENDING' end
    from stations.charge_point as p
    where p.id = :chargePoint
        and not exists (select from open as o where o.csr = :csr)
    returning id
), answer (status, body, events) as (
    select
        'ok',
        json_build_object('status', case
            when exists (select from asked) or exists (select from open) then 'Accepted'
            else 'Rejected'
        end),
        null::jsonb
)
select * from answer;
