-- in: id, lines
-- out: what invoice.c makes an invoice of: the draft's lines and further ones; the version that was read (none: it is
-- not the caller's draft)
select json_build_object(
    'costs', billing.draft_priced(d.lines, :lines, d.country, d.currency, :now),
    'minorUnits', billing.minor_units(d.currency),
    'version', d.version) as body
from (select) as one
left join billing.draft d on d.id = :id
    and vg.visible(:callerRole, :callerId, :callerCompany, null, d.issuer, null);
