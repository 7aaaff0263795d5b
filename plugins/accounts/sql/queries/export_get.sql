-- in: id, exportId, plugin, part, exportWhole
-- out: the export: of which plugin how much, and the data: of one part, of one plugin, or all where that is not too long
select accounts.export_body(e, :plugin, :part, :exportWhole) as body
from accounts.export as e
where e.id = :exportId
    and e.customer_id = :id
    and vg.visible(:callerRole, :callerId, :callerCompany, e.customer_id, e.company_id, e.company_id);
