-- mend.lua: a message on its way: which cures its charge point's firmware needs,
-- and the body that goes on. What needs none goes on as the bytes that came.

local cure = require "cure"
local known = require "known"
local register = require "register"
local zone = require "zone"

local mend = {}

-- what waits for PostgreSQL; all else is cure's
local waiting = { register = register.follow, zone = zone.mend }

local function tell(call, point, what, action)
    if not point.told[what.quirk] then
        point.told[what.quirk] = true
        call:log(what.quirk .. ": " .. action .. " of " .. call.charge_point .. " is put right; that is said once")
    end
end

--- What is known and has no quirk at this action goes on without a handler.
function mend.look(action)
    return function(call)
        local point = known.fresh(call)
        if point and not point.cures[action] then call:done() end
    end
end

function mend.hook(action)
    return function(call)
        local point = known.of(call)
        local cures = point and point.cures[action]
        if not cures then return nil end
        local body, changed = call.body, false
        for _, what in ipairs(cures) do
            local run = cure[what[1]] or waiting[what[1]]
            if run(what, body, action, call, point) then
                changed = true
                tell(call, point, what, action)
            end
        end
        if changed then return body end
    end
end

-- It says what it is, and stations keep that: the next message asks them.
function mend.boots(call)
    known.forget(call.charge_point)
end

function mend.started(call)
    local point = known.of(call)
    for _, what in ipairs(point and point.cures.StartTransaction or {}) do
        if what[1] == "register" then register.named(call) end
    end
end

return mend
