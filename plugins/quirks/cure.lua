-- cure.lua: what can be put right without asking anybody. A cure is a function of
-- (what, body, action) that changes the body in its place and says whether it did;
-- `what` is the quirk's row. A body may be anything that is JSON: what a cure does
-- not know it lets be.
--
--   { "array", member = "meterValue" }          one object where a list belongs
--   { "empty" }                                 samples without a value, moments without samples
--   { "words", action = "StatusNotification", member = "errorCode", words = { Error = "OtherError" } }
--   { "words", sample = "unit", words = { Hz = "Hertz" } }
--   { "unit", measurand = "Power.Active.Import", from = "W", to = "kW" }
--                                               another unit than the one that is said; digits stay
--   { "scale", members = { "meterStart" }, power = 3 }   times ten to that, whole Wh
--   { "transaction", unknown = { "9223372036854775807" } }   a number that is none
--   { "zone", marked = "Z" }                    local time that says it is UTC; "": that says nothing (zone.lua)
--   { "register" }                              a register that begins at 0 when it pleases (register.lua)

local decimal = require "decimal"

local cure = {}

local METER = { "MeterValues", "StopTransaction" }

-- of each: where, what its row must have, and when (1 first)
local kinds = {
    array = { actions = { "MeterValues" }, needs = { member = "string" }, rank = 1 },
    empty = { actions = METER, needs = {}, rank = 1 },
    words = { actions = METER, needs = { words = "table" }, rank = 1 },
    unit = { actions = METER, needs = { measurand = "string", from = "string", to = "string" }, rank = 1 },
    scale = { actions = { "StartTransaction", "StopTransaction" }, needs = { members = "table", power = "number" }, rank = 1 },
    transaction = { actions = METER, needs = { unknown = "table" }, rank = 1 },
    zone = { actions = { "MeterValues", "StartTransaction", "StatusNotification", "StopTransaction" }, needs = { marked = "string" }, rank = 2 },
    register = { actions = { "MeterValues", "StartTransaction", "StopTransaction" }, needs = {}, rank = 3 },
}
local OPTIONAL = { words = { action = "string", member = "string", sample = "string" } }

--- nil, or what is wrong with a cure's row
function cure.wrong(what)
    local kind = kinds[what[1]]
    if not kind then return "there is no cure " .. tostring(what[1]) end
    for name, of in pairs(kind.needs) do
        if type(what[name]) ~= of then return what[1] .. " has no " .. name .. ", a " .. of end
    end
    for name in pairs(what) do
        if name ~= 1 and not kind.needs[name] and not (OPTIONAL[what[1]] or {})[name] then return what[1] .. " has no " .. tostring(name) end
    end
    if what[1] == "words" and (what.member == nil) == (what.sample == nil) then return "words has a member or a sample" end
    if what[1] == "zone" and what.marked ~= "" and what.marked ~= "Z" then return "zone is marked Z or not at all" end
end

--- what /metrics counts
local names = {}
for name in pairs(kinds) do names[#names + 1] = name end
table.sort(names)
cure.counters = {
    { name = "corrections", label = "cure", values = table.concat(names, "|"), about = "cures that put something right, by kind" },
    { name = "failures", about = "messages that went on as they came, since a cure failed" },
}

function cure.actions(what)
    return what.action and { what.action } or kinds[what[1]].actions
end

function cure.rank(what) return kinds[what[1]].rank end

-- arrays have a metatable that is the host's alone
local function is_array(value) return type(value) == "table" and (#value > 0 or getmetatable(value) == false) end

--- the moments of a message: {timestamp, sampledValue}, those that are objects
function cure.moments(body, action)
    local list = action == "MeterValues" and body.meterValue or action == "StopTransaction" and body.transactionData
    local found = {}
    for _, moment in ipairs(is_array(list) and list or {}) do
        if type(moment) == "table" then found[#found + 1] = moment end
    end
    return found
end

--- calls f with each sample and its moment; true when one of them was changed
function cure.samples(body, action, f)
    local changed = false
    for _, moment in ipairs(cure.moments(body, action)) do
        for _, sample in ipairs(is_array(moment.sampledValue) and moment.sampledValue or {}) do
            if type(sample) == "table" and f(sample, moment) then changed = true end
        end
    end
    return changed
end

function cure.measurand(sample) return sample.measurand or "Energy.Active.Import.Register" end

--- what OCPP takes it for where nothing is said
function cure.unit_of(sample)
    local defaults = { Energy = "Wh", Power = "W", Current = "A" }
    return sample.unit or defaults[tostring(cure.measurand(sample)):match("^%a+")] or ""
end

function cure.array(what, body)
    local value = body[what.member]
    if type(value) ~= "table" or is_array(value) then return false end
    body[what.member] = json.array { value }
    return true
end

local function kept(list, good)
    local left = json.array {}
    for _, item in ipairs(list) do if good(item) then left[#left + 1] = item end end
    return left
end

local function has_value(sample)
    return type(sample) ~= "table" or type(sample.value) == "number" or type(sample.value) == "string" and sample.value:find("%S") ~= nil
end

local function has_samples(moment)
    return type(moment) ~= "table" or moment.sampledValue == nil or not is_array(moment.sampledValue) or #moment.sampledValue > 0
end

function cure.empty(_, body, action)
    local changed = false
    for _, moment in ipairs(cure.moments(body, action)) do
        if is_array(moment.sampledValue) then
            local left = kept(moment.sampledValue, has_value)
            changed = changed or #left < #moment.sampledValue
            moment.sampledValue = left
        end
    end
    local member = action == "MeterValues" and "meterValue" or "transactionData"
    if is_array(body[member]) then
        local left = kept(body[member], has_samples)
        changed = changed or #left < #body[member]
        body[member] = left
    end
    return changed
end

local function word(holder, member, words)
    local right = words[holder[member]]
    if right == nil then return false end
    holder[member] = right
    return true
end

function cure.words(what, body, action)
    if what.member then return body[what.member] ~= nil and word(body, what.member, what.words) end
    return cure.samples(body, action, function(sample) return sample[what.sample] ~= nil and word(sample, what.sample, what.words) end)
end

function cure.unit(what, body, action)
    return cure.samples(body, action, function(sample)
        if cure.measurand(sample) ~= what.measurand or cure.unit_of(sample) ~= what.from or sample.format == "SignedData" then return false end
        sample.unit = what.to
        return true
    end)
end

function cure.scale(what, body)
    local changed = false
    for _, member in ipairs(what.members) do
        local whole = decimal.shifted(body[member], what.power)
        if whole and whole ~= body[member] then
            body[member] = whole
            changed = true
        end
    end
    return changed
end

-- what no transaction can have is no transaction: charging takes the one that fits
function cure.transaction(what, body, action)
    for _, number in ipairs(what.unknown) do
        if body.transactionId ~= nil and tostring(body.transactionId) == number then
            body.transactionId = action == "StopTransaction" and -1 or nil
            return true
        end
    end
    return false
end

return cure
