-- register.lua: a register that begins at 0 again while somebody charges. What it
-- showed is kept in PostgreSQL, which also adds up; here are texts alone.

local cure = require "cure"
local decimal = require "decimal"
local zone = require "zone"

local register = {}

local about = {
    { "bound", "chargePoint", "text", required = true },
    { "bound", "connectorId", "int", nullable = true },
    { "bound", "transactionId", "int", nullable = true },
}

local function fields(...)
    local all = { unpack(about) }
    for _, field in ipairs { ... } do all[#all + 1] = field end
    return all
end

register.begin_fields = fields({ "bound", "startedAt", "time" }, { "bound", "shown", "text", required = true })
register.named_fields = fields()
register.follow_fields = fields({ "bound", "mostKw", "decimal", required = true },
    { "bound", "readings", "array", required = true, item = { "object", fields = {
        { "body", "at", "time", nullable = true }, { "body", "wh", "text", required = true } } } })

-- with its zone; one that says none is UTC's
local function instant(text)
    local clock, mark = zone.parts(text)
    return clock and clock .. (mark == "" and "Z" or mark)
end

-- a whole one up to most; else none
local function number(value, most)
    return type(value) == "number" and value >= -1 and value <= most and value == math.floor(value) and value or nil
end

local CONNECTORS, TRANSACTIONS = 65535, 2147483647

-- in Wh, as digits; nil: it is another thing than the register
local function reading(sample)
    local unit = tostring(cure.unit_of(sample)):lower()
    local whole, part
    if cure.measurand(sample) ~= "Energy.Active.Import.Register" or (sample.phase or "") ~= "" or (sample.location or "Outlet") ~= "Outlet"
        or (sample.format or "Raw") ~= "Raw" or unit ~= "wh" and unit ~= "kwh" then return nil end
    local text = decimal.text(sample.value)
    if not text or unit == "wh" then return text end
    whole, part = text:match("^(%d+)%.?(%d*)$")
    part = part .. string.rep("0", 3 - #part)
    text = (whole .. part:sub(1, 3)):gsub("^0+(%d)", "%1")
    return part:sub(4) == "" and text or text .. "." .. part:sub(4)
end

local function begins(body, call)
    local shown = decimal.text(body.meterStart)
    if not shown then return end
    local _, err = db.change("register_begin", { chargePoint = call.charge_point, connectorId = number(body.connectorId, CONNECTORS),
        startedAt = instant(body.timestamp), shown = shown })
    if err then error("its register is not kept: " .. err, 0) end
end

-- where the number goes on, and what it is, in the order of time
local function readings(body, action)
    local list, puts = json.array {}, {}
    cure.samples(body, action, function(sample, moment)
        local wh = reading(sample)
        if wh then
            list[#list + 1] = { at = instant(moment.timestamp), wh = wh }
            puts[#puts + 1] = function(text) sample.value, sample.unit = text, "Wh" end
        end
    end)
    local stop = action == "StopTransaction" and decimal.text(body.meterStop)
    if stop then
        list[#list + 1] = { at = instant(body.timestamp), wh = stop }
        puts[#puts + 1] = function(text) body.meterStop = tonumber((text:match("^%d+"))) end
    end
    return list, puts
end

function register.follow(_, body, action, call)
    if action == "StartTransaction" then
        begins(body, call)
        return false
    end
    local list, puts = readings(body, action)
    if #list == 0 then return false end
    local said, err = db.change("register_follow", { chargePoint = call.charge_point, connectorId = number(body.connectorId, CONNECTORS),
        transactionId = number(body.transactionId, TRANSACTIONS), mostKw = call:setting("most_kw"), readings = list })
    if err then error("its register is not followed: " .. err, 0) end
    local changed = false
    for i, text in ipairs(said and said.goesOn or {}) do
        if text ~= list[i].wh then
            puts[i](text)
            changed = true
        end
    end
    return changed
end

--- the answer to a Start: its transaction has a number
function register.named(call)
    local transaction = number(call.row and call.row.transactionId, TRANSACTIONS)
    if not transaction then return end
    local _, err = db.change("register_named", { chargePoint = call.charge_point, connectorId = number(call.body.connectorId, CONNECTORS), transactionId = transaction })
    if err then error("its transaction is not kept: " .. err, 0) end
end

return register
