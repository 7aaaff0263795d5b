-- in: id
-- out: the erasure, with what each plugin said
select accounts.erasure_body(e) as body
from accounts.erasure as e
where e.id = :id
    and (vg.visible(:callerRole, :callerId, :callerCompany, e.customer_id, e.company_id, e.company_id)
        or :callerId <> '' and e.asked_by = :callerId);
