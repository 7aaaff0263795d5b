-- known.lua: what a charge point is, as it last booted, and so which cures its
-- messages need. Stations know; a worker asks them once for each of its charge
-- points and again after a while, since one that reconnects elsewhere may boot
-- there. When nobody answers, what was known before holds.

local rules = require "rules"

local known = {}

-- in two halves, of which the older goes when the younger is full: no machine
-- runs out of memory by the number of charge points
local MOST = 4096
local young, old, n = {}, {}, 0

local function keep(id, point)
    if n >= MOST then young, old, n = {}, young, 0 end
    if young[id] == nil then n = n + 1 end
    young[id] = point
    return point
end

local function asked(call, before)
    local id = call.charge_point
    local said, err = ask("charge_point.kind", { chargePoint = id })
    if not said and err ~= "not_found" then
        if before then return before end
        call:log(id .. ": nobody says what it is, its message goes on as it came: " .. tostring(err))
        return nil
    end
    said = said or {}
    local cures, wrong = rules.of(said.vendor or "", said.model or "", said.firmware or "", call:setting("also"))
    if wrong then call:log(wrong) end
    return keep(id, {
        cures = cures,
        zone = said.timeZone,
        told = before and before.told or {},
        stale = call.now + call:setting("known") * 1000000,
    })
end

--- The charge point of a call, if that was asked a moment ago.
function known.fresh(call)
    local id = call.charge_point
    local point = young[id] or old[id]
    if point and call.now < point.stale then return point end
end

--- The charge point of a call: {cures, zone, told}; nil: nobody knows. Waits.
function known.of(call)
    local id = call.charge_point
    return known.fresh(call) or asked(call, young[id] or old[id])
end

function known.forget(id)
    young[id], old[id] = nil, nil
end

return known
