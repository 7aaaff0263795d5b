-- rule.lua: rules over HTTP, and what surges now.

local surge = require "surge"

local function check(call)
    for _, found in ipairs { surge.wrong_steps(call.values.occupancy or {}), surge.wrong_times(call.values.timeOfUse or {}) } do
        for field, text in pairs(found) do call:refuse_field(field, text) end
    end
end

local function check_new(call)
    if (call.values.stationId ~= nil) == (call.values.operatorId ~= nil) then
        call:refuse_field("stationId", "give exactly one of stationId and operatorId")
    end
    check(call)
end

local multiplier = "what prices are multiplied by, at most 6 decimals"

local step = { "object", fields = {
    { "body", "enterPercent", "int", required = true, min = 1, max = 100, about = "of the connectors in service are taken: it begins" },
    { "body", "leavePercent", "int", required = true, min = 0, max = 99, about = "it ends below" },
    { "body", "multiplier", "decimal", required = true, max = 100, about = multiplier },
} }

local time = { "object", fields = {
    { "body", "dayOfWeek", "array", min = 1, max = 7, about = "default: each day",
      item = { "enum", values = "MONDAY|TUESDAY|WEDNESDAY|THURSDAY|FRIDAY|SATURDAY|SUNDAY" } },
    { "body", "startTime", "text", required = true, about = "HH:MM in the station's time zone" },
    { "body", "endTime", "text", required = true, about = "HH:MM, exclusive; before startTime: over midnight" },
    { "body", "multiplier", "decimal", required = true, max = 100, about = multiplier },
} }

local terms = {
    { "body", "name", "text", max = 100, about = "as people call it" },
    { "body", "active", "bool", about = "default: true; a station's that is not keeps the operator's off" },
    { "body", "minMultiplier", "decimal", required = true, max = 100, about = "never below" },
    { "body", "maxMultiplier", "decimal", required = true, max = 100, about = "never above" },
    { "body", "minPricePerKwh", "decimal", nullable = true, max = 1000000, about = "a surge takes no price of energy below, in the tariff's currency" },
    { "body", "maxPricePerKwh", "decimal", nullable = true, max = 1000000, about = "... or above" },
    { "body", "dimensions", "array", min = 1, max = 4, about = "the prices that surge; default: ENERGY",
      item = { "enum", values = "ENERGY|FLAT|PARKING_TIME|TIME" } },
    { "body", "occupancy", "array", max = 10, item = step, about = "steps, ascending" },
    { "body", "timeOfUse", "array", max = 50, item = time, about = "the first that holds counts" },
    { "body", "holdSeconds", "int", max = 86400, about = "between two changes of the step of occupancy; default: 600" },
}

local function with(...)
    local fields = { ... }
    for _, field in ipairs(terms) do fields[#fields + 1] = field end
    return fields
end

local id = { "path", "id", "uuid", required = true, about = "of the rule" }
local of_station = { "query", "stationId", "uuid", about = "of one station" }

return {
    routes = {
        { "POST", "/pricing/rules", scope = "pricing:write", check = check_new, statement = "rule_create", about = "Make a rule by which prices surge",
          fields = with({ "body", "stationId", "uuid", about = "where it holds: exactly one of the two" },
              { "body", "operatorId", "uuid", about = "at its stations that have no rule of their own" }) },
        { "GET", "/pricing/rules", scope = "pricing:read", statement = "rule_list", list = true, about = "List rules",
          fields = { of_station, { "query", "operatorId", "uuid", about = "of one operator" } } },
        { "GET", "/pricing/rules/{id}", scope = "pricing:read", fields = { id }, statement = "rule_get", about = "One rule" },
        { "PATCH", "/pricing/rules/{id}", scope = "pricing:write", check = check, fields = with(id), statement = "rule_change", about = "Change a rule" },
        { "DELETE", "/pricing/rules/{id}", scope = "pricing:write", fields = { id }, statement = "rule_remove", about = "Remove a rule" },
        { "GET", "/pricing/surges", scope = "pricing:read", fields = { of_station }, statement = "surge_list", list = true, about = "By how much prices surge, by station" },
    },
}
