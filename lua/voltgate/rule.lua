--- rule: conditions as data, over the members of an event.
--
--   local rule = require "voltgate.rule"
--   rule.matches({ field = "socPercent", op = "lt", value = 20 }, payload)
--   rule.matches({ all = { a, b } }, payload)   -- any = {…}; ["not"] = a
--   rule.matches({}, payload)                   -- always
--   rule.wrong(condition)                       -- nil, or why it is none
--   rule.member(payload, "costs.total")
--
--   op      eq ne lt le gt ge   of numbers, or of strings (times with Z are
--                               in the order of time)
--           among               value is a list
--           contains            the member is a list, or a string
--           exists              value is true or false
--
-- What is absent, or of another type than value, fulfils nothing but `ne` and
-- `exists` false. Numbers are compared as doubles: two decimals of at most 15
-- digits are as doubles in the same order, and equal only where they are. One of
-- more digits is a string here, and is compared by its first 15 or so. A
-- condition has at most 64 terms, within 8 others.

local rule = {}

local TERMS, DEEP = 64, 8

--- A member by its path; nil: there is none.
---@param payload table
---@param path string
---@return any
function rule.member(payload, path)
    local value = payload
    for name in path:gmatch("[^.]+") do
        if type(value) ~= "table" then return nil end
        value = value[name]
    end
    if value == null then return nil end
    return value
end

-- a digit string that the host gave for a number of more than 15 digits
local function alike(a, b)
    if type(b) == "number" and type(a) == "string" and a:find("^%-?%d+%.?%d*$") then a = tonumber(a) end
    if type(a) == type(b) and (type(a) == "number" or type(a) == "string") then return a, b end
end

local function compared(compare)
    return function(member, value)
        local a, b = alike(member, value)
        return a ~= nil and compare(a, b)
    end
end

local function same(a, b)
    local x, y = alike(a, b)
    if x ~= nil then return x == y end
    return type(a) == "boolean" and a == b
end

local ops = {
    eq = same,
    ne = function(a, b) return not same(a, b) end,
    lt = compared(function(a, b) return a < b end),
    le = compared(function(a, b) return a <= b end),
    gt = compared(function(a, b) return a > b end),
    ge = compared(function(a, b) return a >= b end),
    exists = function(a, b) return (a ~= nil) == b end,
    among = function(a, list)
        for i = 1, #list do
            if same(a, list[i]) then return true end
        end
        return false
    end,
    contains = function(a, b)
        if type(a) == "string" then return type(b) == "string" and a:find(b, 1, true) ~= nil end
        if type(a) ~= "table" then return false end
        for i = 1, #a do
            if same(a[i], b) then return true end
        end
        return false
    end,
}

---@param condition table
---@param payload table
---@return boolean
function rule.matches(condition, payload)
    if condition.all then
        for i = 1, #condition.all do
            if not rule.matches(condition.all[i], payload) then return false end
        end
        return true
    elseif condition.any then
        for i = 1, #condition.any do
            if rule.matches(condition.any[i], payload) then return true end
        end
        return false
    elseif condition["not"] then
        return not rule.matches(condition["not"], payload)
    elseif condition.field then
        return ops[condition.op](rule.member(payload, condition.field), condition.value)
    end
    return true
end

local keys = { all = { "all" }, any = { "any" }, ["not"] = { "not" }, field = { "field", "op", "value" } }

local function term(condition)
    if type(condition.field) ~= "string" or not condition.field:find("^[%a][%w_.]*$") or #condition.field > 100 then
        return "field must be the name of a member"
    end
    local op, value = condition.op, condition.value
    if type(op) ~= "string" or not ops[op] then return "op must be one of eq, ne, lt, le, gt, ge, among, contains, exists" end
    local kind = type(value)
    if op == "exists" then return kind ~= "boolean" and "value of exists must be true or false" or nil end
    if op == "among" then
        if kind ~= "table" or #value == 0 or #value > 100 then return "value of among must be a list of 1 to 100" end
        for i = 1, #value do
            if type(value[i]) ~= "string" and type(value[i]) ~= "number" then return "value of among has strings and numbers" end
        end
        return nil
    end
    if kind == "boolean" and (op == "eq" or op == "ne") then return nil end
    if kind ~= "string" and kind ~= "number" then return "value must be a string or a number" end
end

local function wrong(condition, state, deep)
    state.terms = state.terms + 1
    if state.terms > TERMS then return "has more than " .. TERMS .. " terms" end
    if deep > DEEP then return "is deeper than " .. DEEP end
    if type(condition) ~= "table" then return "a term must be an object" end
    local kind
    for name in pairs(keys) do
        if condition[name] ~= nil then
            if kind then return "a term has one of all, any, not, field" end
            kind = name
        end
    end
    for key in pairs(condition) do
        local known = false
        for _, name in ipairs(kind and keys[kind] or {}) do known = known or name == key end
        if not known then return tostring(key) .. " is not known" end
    end
    if not kind then return deep > 1 and "a term has one of all, any, not, field" or nil end
    if kind == "field" then return term(condition) end
    if kind == "not" then return wrong(condition["not"], state, deep + 1) end
    local list = condition[kind]
    if type(list) ~= "table" or #list == 0 then return kind .. " must be a list of terms" end
    for i = 1, #list do
        local why = wrong(list[i], state, deep + 1)
        if why then return why end
    end
end

--- nil, or why it is no condition.
---@param condition any
---@return string?
function rule.wrong(condition)
    return wrong(condition, { terms = 0 }, 1)
end

return rule
