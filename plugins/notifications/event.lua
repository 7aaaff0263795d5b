-- event.lua: what is heard, and what the rules make of it. An event's handler
-- only reads: all that follows is one commit of its statement.

local list = require "voltgate.list"
local rule = require "voltgate.rule"

local event = {}

-- what rules may look at, and webhooks be told
event.types = {
    "charging.session.started.v1", "charging.session.completed.v1", "charging.session.failed.v1",
    "reservation.created.v1", "reservation.cancelled.v1", "reservation.expiring.v1", "reservation.expired.v1",
    "reservation.promoted.v1", "connector.status_changed.v1", "charge_point.security_event.v1", "invoice.created.v1",
    "invoice.paid.v1", "payment.succeeded.v1", "payment.failed.v1", "subscription.created.v1", "subscription.cancelled.v1",
    "credits.low.v1", "login.failures.v1",
}

-- of plugins that are not built yet
event.awaited = {
    "parking.reserved.v1", "parking.released.v1", "maintenance.due.v1", "maintenance.overdue.v1", "battery.low.v1",
    "battery.health_degraded.v1", "trip.completed.v1", "driver.behavior.alert.v1", "warranty.expiring.v1",
}

-- to => whose id the payload has, and where
local receivers = {
    CUSTOMER = { "userId", { "customerId" } },
    DRIVER = { "userId", { "driverId", "customerId" } },
    USER = { "userId", { "userId" } },
    COMPANY = { "companyId", { "companyId" } },
    OPERATOR = { "companyId", { "operatorId" } },
    HOUSE = { nil, {} },
}
event.receivers = receivers

-- an action's draft for each of its channels; a company's rule writes to itself
-- and to those whose event it is, never to the house
local function drafts(found, action, payload)
    local made = json.array {}
    local to = receivers[action.to]
    local who
    for _, name in ipairs(to[2]) do who = who or payload[name] end
    if action.to == "HOUSE" and found.companyId or to[1] and not who then return made end
    if to[1] == "companyId" and found.companyId and found.companyId ~= who then return made end
    for _, channel in ipairs(action.channels) do
        local draft = { channel = channel, priority = action.priority or "NORMAL", template = action.template }
        if to[1] then draft[to[1]] = tostring(who) end
        if action.once then
            draft.once = { key = tostring(rule.member(payload, action.once.by) or ""), seconds = action.once.seconds }
        end
        made[#made + 1] = draft
    end
    return made
end

local function incident(found, action, payload)
    local wanted = action.incident
    local made = {
        key = tostring(rule.member(payload, wanted.by) or ""),
        companyId = found.companyId or payload.operatorId or payload.companyId,
        title = found.name, severity = wanted.severity or "NORMAL",
    }
    if wanted.escalation then
        made.escalation = { seconds = wanted.escalation.seconds, levels = wanted.escalation.levels or 1,
            drafts = drafts(found, wanted.escalation, payload) }
    end
    return made
end

--- What one rule makes of an event; nil: nothing.
function event.follows(found, payload)
    if not rule.matches(found.condition, payload) then return nil end
    local made = { ruleId = found.id, window = found.window, drafts = json.array {} }
    if found.window then
        made.key = rule.member(payload, found.window.by)
        if made.key == nil then return nil end
        made.key = tostring(made.key)
    end
    for _, action in ipairs(found.actions) do
        if action.incident then made.incident = incident(found, action, payload) end
        if action.channels then
            for _, draft in ipairs(drafts(found, action, payload)) do made.drafts[#made.drafts + 1] = draft end
        end
    end
    return made
end

local function heard(call)
    local payload = call.body
    local companies = json.array {}
    companies[#companies + 1] = payload.operatorId
    companies[#companies + 1] = payload.companyId
    local rules, err = db.query("rule_of_event", { type = call.event_type, companies = companies })
    if not rules then return call:refuse(err) end
    return { found = list.map(rules, function(found) return event.follows(found, payload) end), oldest = call:setting("oldest") }
end

local fields = {
    { "bound", "found", "any", about = "what the rules make of it" },
    { "bound", "oldest", "int", about = "seconds" },
}

event.routes = {}
for _, type in ipairs(event.types) do
    event.routes[#event.routes + 1] = { "EVENT", type, fields = fields, handler = heard, statement = "event_hear",
        about = "What follows by the rules, and for webhooks" }
end

return event
