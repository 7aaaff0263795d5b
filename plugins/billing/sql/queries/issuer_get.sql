-- in: id
-- out: what an issuer's invoices say of it, and how they are numbered
select billing.issuer_body(:id, s, i) as body
from (select) as one
left join billing.seller as s on s.issuer = :id
left join billing.issuer as i on i.issuer = :id
where vg.visible(:callerRole, :callerId, :callerCompany, null, :id, null)
    and (s.issuer is not null or i.issuer is not null);
