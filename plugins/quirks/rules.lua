-- rules.lua: which quirks there are, and whose. A file of quirks returns a list of
--   { name, vendor, model, firmware, about, source, cures = { { "empty" }, … } }
-- where vendor, model and firmware are as BootNotification has them, * for
-- anything, in small or capital letters; none: any. A cure begins with its name
-- (cure.lua, zone.lua, register.lua). A quirk that is not understood keeps the
-- version out.

local cure = require "cure"
local generic = require "generic"

-- one line a file
local files = {
    "vendor_alfen",
    "vendor_growatt",
    "vendor_huawei",
    "vendor_legrand",
    "vendor_openevse",
    "vendor_vestel",
}

local rules = { all = {} }

local MEMBERS = { name = "string", vendor = "string", model = "string", firmware = "string", about = "string", source = "string", cures = "table" }

local function judge(file, quirk)
    for member, value in pairs(quirk) do
        if MEMBERS[member] ~= type(value) then error(file .. ".lua: " .. tostring(quirk.name) .. ": " .. tostring(member) .. " is not known, or of another type", 0) end
    end
    for _, member in ipairs { "name", "about", "cures" } do
        if quirk[member] == nil then error(file .. ".lua: " .. tostring(quirk.name) .. " has no " .. member, 0) end
    end
    for _, what in ipairs(quirk.cures) do
        local wrong = cure.wrong(what)
        if wrong then error(file .. ".lua: " .. quirk.name .. ": " .. wrong, 0) end
    end
end

for _, file in ipairs(files) do
    for _, quirk in ipairs(require(file)) do
        judge(file, quirk)
        if not quirk.vendor or not quirk.source then error(file .. ".lua: " .. quirk.name .. " has no vendor, or nobody who saw it", 0) end
        rules.all[#rules.all + 1] = quirk
    end
end
for _, quirk in ipairs(generic) do judge("generic", quirk) end

local function matches(glob, text)
    if glob == nil then return true end
    local pattern = glob:lower():gsub("[^%w*]", "%%%0"):gsub("%*", ".*")
    return text:lower():find("^" .. pattern .. "$") ~= nil
end

local function meets(quirk, vendor, model, firmware)
    return matches(quirk.vendor, vendor) and matches(quirk.model, model) and matches(quirk.firmware, firmware)
end

-- "name=vendor/model/firmware; …", and which part is none
local function switched(text)
    local found, wrong = {}, nil
    for part in text:gmatch("[^;]+") do
        local name, vendor, rest = part:match("^%s*([%w_]+)%s*=%s*([^/]*)(.-)%s*$")
        local model, firmware = (rest or ""):match("^/([^/]*)/?(.*)$")
        local quirk
        for _, one in ipairs(generic) do if one.name == name then quirk = one end end
        if quirk and vendor ~= "" then
            found[#found + 1] = { name = name, vendor = vendor:match("^(.-)%s*$"), model = model, firmware = firmware ~= "" and firmware or nil, cures = quirk.cures }
        elseif part:find("%S") then
            wrong = "quirks.also: " .. part .. " is no name=vendor/model/firmware, or no quirk of generic.lua"
        end
    end
    return found, wrong
end

local function add(into, quirk)
    for _, what in ipairs(quirk.cures) do
        for _, action in ipairs(cure.actions(what)) do
            into[action] = into[action] or {}
            local mine = { quirk = quirk.name }
            for key, value in pairs(what) do mine[key] = value end
            table.insert(into[action], mine)
        end
    end
end

-- those that look at what others put right, in the end
local function ordered(cures)
    for _, list in pairs(cures) do
        local sorted = {}
        for rank = 1, 3 do
            for _, what in ipairs(list) do if cure.rank(what) == rank then sorted[#sorted + 1] = what end end
        end
        for i = 1, #sorted do list[i] = sorted[i] end
    end
    return cures
end

-- vendors say what they like: so many kinds are kept, not more
local MOST = 256
local made, n = {}, 0

--- action => cures in order, of one kind of charge point; the first time also what
--- is wrong with `also`
function rules.of(vendor, model, firmware, also)
    local key = table.concat({ vendor, model, firmware, also }, "\1")
    if made[key] then return made[key] end
    local cures = {}
    for _, quirk in ipairs(rules.all) do if meets(quirk, vendor, model, firmware) then add(cures, quirk) end end
    local more, wrong = switched(also)
    for _, quirk in ipairs(more) do if meets(quirk, vendor, model, firmware) then add(cures, quirk) end end
    if n >= MOST then made, n = {}, 0 end
    n = n + 1
    made[key] = ordered(cures)
    return cures, wrong
end

return rules
