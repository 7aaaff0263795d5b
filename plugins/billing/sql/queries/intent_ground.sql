-- in: intentId
-- out: the intent, as its adapter takes it; amounts are in all
select json_build_object(
    'id', i.id,
    'provider', i.provider,
    'order', i.provider_order,
    'ref', i.provider_ref,
    'token', m.token,
    'currency', i.currency,
    'digits', billing.minor_units(i.currency),
    'amount', trim_scale(i.amount),
    'capture', trim_scale(coalesce(i.to_capture, i.amount)),
    'captured', trim_scale(i.captured + i.excess),
    'refunded', trim_scale(i.refunded + i.excess_back),
    'refund', trim_scale(greatest(i.to_refund - i.refunded, 0) + i.excess - i.excess_back),
    'wanted', i.wanted,
    'status', i.status,
    'tries', i.tries,
    'waits', i.waits,
    'doubt', i.doubt,
    'version', i.version,
    'claim', i.claim) as body
from billing.intent i
left join billing.method m on m.id = i.method_id
where i.id = :intentId;
