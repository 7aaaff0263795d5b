-- alert.lua: rules, as their owners write them, and what one would do.

local event = require "event"
local rule = require "voltgate.rule"

local channels = "EMAIL|SMS|PUSH|IN_APP"
local priorities = "LOW|NORMAL|HIGH|CRITICAL"
local receivers = "CUSTOMER|DRIVER|USER|COMPANY|OPERATOR|HOUSE"

local known = {}
for _, types in ipairs { event.types, event.awaited } do
    for _, type in ipairs(types) do known[type] = true end
end

local function told(fields)
    local all = {
        { "body", "to", "enum", values = receivers, about = "by the ids in the event's payload" },
        { "body", "channels", "array", min = 1, max = 4, item = { "enum", values = channels } },
        { "body", "template", "text", min = 1, max = 100, about = "by its name" },
        { "body", "priority", "enum", values = priorities, about = "CRITICAL is held back by no quiet hours; default NORMAL" },
    }
    for _, field in ipairs(fields) do all[#all + 1] = field end
    return all
end

local window = { "body", "window", "object", nullable = true, about = "it comes about with the event that fills the window", fields = {
    { "body", "seconds", "int", required = true, min = 60, max = 2678400, about = "of event time, cut from 1970 on in UTC" },
    { "body", "count", "int", required = true, min = 1, max = 100000, about = "of events" },
    { "body", "by", "text", required = true, min = 1, max = 100, about = "the member whose values are counted apart" },
    { "body", "lateness", "int", min = 0, max = 604800, about = "seconds; default 3600" } } }

local action = { "object", fields = told {
    { "body", "once", "object", about = "said once", fields = {
        { "body", "by", "text", required = true, min = 1, max = 100, about = "for each value of this member" },
        { "body", "seconds", "int", required = true, min = 1, max = 2678400, about = "within so much event time" } } },
    { "body", "incident", "object", about = "opens one, unless that is open", fields = {
        { "body", "by", "text", required = true, min = 1, max = 100, about = "for each value of this member" },
        { "body", "severity", "enum", values = priorities, about = "default NORMAL" },
        { "body", "escalation", "object", about = "when nobody acknowledges it", fields = told {
            { "body", "seconds", "int", required = true, min = 60, max = 604800, about = "until it is escalated, and again" },
            { "body", "levels", "int", min = 1, max = 10, about = "how often; default 1" } } } } } } }

local shape = {
    name = { "body", "name", "text", required = true, min = 1, max = 200, about = "for people" },
    company = { "body", "companyId", "text", max = 64, about = "whose events it sees; an admin's without: all" },
    type = { "body", "eventType", "text", required = true, max = 100, about = "charging.session.completed.v1" },
    condition = { "body", "condition", "object", about = "see the README; absent: always" },
    actions = { "body", "actions", "array", required = true, min = 1, max = 10, item = action },
    enabled = { "body", "enabled", "bool", about = "default true" },
    id = { "path", "id", "uuid", required = true, about = "of the rule" },
}

local function complete(call, where, one)
    if not one.channels or not one.to or not one.template then call:refuse_field(where, "has to, channels and template, or an incident") end
end

-- what no table of fields says
local function check(call)
    local v = call.values
    if v.eventType and not known[v.eventType] then call:refuse_field("eventType", "is none that is told here") end
    local wrong = v.condition and rule.wrong(v.condition)
    if wrong then call:refuse_field("condition", wrong) end
    if v.window and not (v.window.seconds and v.window.count and v.window.by) then call:refuse_field("window", "has seconds, count and by") end
    for i, one in ipairs(v.actions or {}) do
        local where = "actions[" .. i - 1 .. "]"
        if one.channels or not one.incident then complete(call, where, one) end
        if one.incident and one.incident.escalation then complete(call, where .. ".incident.escalation", one.incident.escalation) end
    end
end

local function test(call)
    local v = call.values
    local found = { id = call.new_id, name = "test", condition = v.condition or {}, window = v.window, actions = v.actions or {} }
    if v.ruleId then
        local rules, err = db.query("rule_show", { ruleId = v.ruleId })
        if not rules then return call:refuse(err) end
        if not rules[1] then return call:refuse("not_found") end
        found = rules[1]
    end
    local follows = event.follows(found, v.payload)
    return { matches = follows ~= nil, window = follows and follows.window, notifications = follows and follows.drafts or json.array {},
        incident = follows and follows.incident }
end

local READ, WRITE = "alerts:read", "alerts:write"

return {
    routes = {
        { "POST", "/notifications/rules", scope = WRITE, check = check, statement = "rule_create", about = "Make a rule", fields = {
            shape.name, shape.company, shape.type, shape.condition, window, shape.actions, shape.enabled } },
        { "GET", "/notifications/rules", scope = READ, list = true, statement = "rule_list", about = "List the rules", fields = {
            { "query", "eventType", "text", about = "of this type" } } },
        { "GET", "/notifications/rules/{id}", scope = READ, statement = "rule_get", about = "A rule", fields = { shape.id } },
        { "PATCH", "/notifications/rules/{id}", scope = WRITE, check = check, statement = "rule_change", about = "Change a rule", fields = {
            shape.id, shape.name, shape.condition, window, shape.actions, shape.enabled } },
        { "DELETE", "/notifications/rules/{id}", scope = WRITE, statement = "rule_delete", about = "Take away a rule", fields = { shape.id } },
        { "POST", "/alerts/test", scope = READ, check = check, handler = test, queries = { "rule_show" }, about = "What a rule makes of a sample event", fields = {
            { "body", "ruleId", "uuid", about = "a rule, or:" }, shape.condition, window,
            { "body", "actions", "array", max = 10, item = action },
            { "body", "payload", "object", required = true, about = "the sample event's" } } },
    },
    queries = { rule_show = { { "bound", "ruleId", "uuid", required = true } } },
}
