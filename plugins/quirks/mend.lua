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

-- may it be written as JSON? What came may hold a NUL, or be more than a number is
local function writable(value)
    if type(value) == "string" then return not value:find("\0", 1, true) end
    if type(value) == "number" then return value - value == 0 end
    if type(value) ~= "table" then return true end
    for key, item in pairs(value) do
        if not writable(key) or not writable(item) then return false end
    end
    return true
end

-- A cure that fails, and a message that cannot be written anew, are that charge
-- point's: it goes on as it came. A fault of a hook would count for the breaker,
-- and so for all others.
function mend.hook(action)
    return function(call)
        local point = known.of(call)
        local cures = point and point.cures[action]
        if not cures then return nil end
        local body, changed = call.body, false
        for _, what in ipairs(cures) do
            local ok, did = pcall(cure[what[1]] or waiting[what[1]], what, body, action, call, point)
            if not ok then
                call:log(what.quirk .. ": " .. action .. " of " .. call.charge_point .. " goes on as it came: " .. tostring(did))
                call:count("failures")
                return nil
            elseif did then
                call:count("corrections", what[1])
                changed = true
                tell(call, point, what, action)
            end
        end
        if changed and writable(body) then return body end
    end
end

-- It says what it is, and stations keep that: the next message asks them.
function mend.boots(call)
    known.forget(call.charge_point)
end

function mend.started(call)
    local point = known.of(call)
    for _, what in ipairs(point and point.cures.StartTransaction or {}) do
        if what[1] == "register" then
            local ok, err = pcall(register.named, call)
            if not ok then call:log(what.quirk .. ": " .. call.charge_point .. ": " .. tostring(err)) end
        end
    end
end

return mend
