-- webhook.lua: events told to others' servers. What is sent is signed, as
--
--   Voltgate-Signature: t=<Unix time>,v1=<HMAC-SHA256 of "<t>.<body>", hex>
--
-- so that who gets it knows from whom it is and can refuse what is old. The
-- answer's body is thrown away; 2xx means that it was taken.

local channel = require "channel"
local event = require "event"

local known = {}
for _, types in ipairs { event.types, event.awaited } do
    for _, type in ipairs(types) do known[type] = true end
end

local function check(call)
    local v = call.values
    if v.url and not v.url:find("^https?://[%w%-.:%[%]]+[/?]?[\33-\126]*$") then call:refuse_field("url", "must be an http or https URL") end
    for i, type in ipairs(v.eventTypes or {}) do
        if not known[type] then call:refuse_field("eventTypes[" .. i - 1 .. "]", "is none that is told here") end
    end
end

local function create(call)
    check(call)
    call:bind("secret", "whsec_" .. crypto.random(32))
end

local function created(call)
    local body = call.row
    body.secret = call:bound("secret")
    return body
end

local function deliver(call)
    local grounds, err = db.query("webhook_ground", { deliveryId = call.values.deliveryId })
    if not grounds then return call:refuse(err) end
    local ground = grounds[1]
    if not ground then return { result = "LOST", detail = { reason = "over" } } end
    local at = ("%.0f"):format(math.floor(call.now / 1000000))
    local said, why = http.post { url = ground.url, body = ground.body, any_status = true, idempotency_key = ground.id, headers = {
        ["Voltgate-Signature"] = "t=" .. at .. ",v1=" .. crypto.hmac_sha256(ground.secret, at .. "." .. ground.body),
        ["Voltgate-Delivery"] = ground.id, ["Voltgate-Event"] = ground.type } }
    local result, detail = channel.counted(call, "WEBHOOK", channel.answered(said, why))
    return { result = result, detail = detail }
end

local id = { "path", "id", "uuid", required = true, about = "of the webhook" }
local url = { "body", "url", "text", required = true, min = 8, max = 2000, about = "what is called" }
local types = { "body", "eventTypes", "array", max = 50, item = { "text", max = 100 }, about = "which events; none: all that there are" }
local READ, WRITE = "alerts:read", "alerts:write"

return {
    routes = {
        { "POST", "/notifications/webhooks", scope = WRITE, check = create, statement = "webhook_create", render = created,
          about = "Have events told to a server; its secret is shown this once", fields = { url, types,
            { "body", "companyId", "text", max = 64, about = "whose events; an admin's without: all" },
            { "bound", "secret", "text", secret = true } } },
        { "GET", "/notifications/webhooks", scope = READ, list = true, statement = "webhook_list", about = "List the webhooks" },
        { "GET", "/notifications/webhooks/{id}", scope = READ, statement = "webhook_get", about = "A webhook", fields = { id } },
        { "PATCH", "/notifications/webhooks/{id}", scope = WRITE, check = check, statement = "webhook_change", about = "Change a webhook", fields = {
            id, url, types, { "body", "enabled", "bool", about = "whether it is told anything" } } },
        { "DELETE", "/notifications/webhooks/{id}", scope = WRITE, statement = "webhook_delete", about = "Take away a webhook", fields = { id } },
        { "GET", "/notifications/webhooks/{id}/deliveries", scope = READ, list = true, statement = "webhook_delivery_list",
          about = "What it was told, with each try", fields = { id } },
        { "POST", "/notifications/webhooks/{id}/deliveries/{deliveryId}/redeliver", scope = WRITE, statement = "webhook_redeliver", no_body = true,
          about = "Tell it once more", fields = { id, { "path", "deliveryId", "uuid", required = true, about = "of the delivery" } } },
        { "JOB", "webhook.deliver", handler = deliver, statement = "webhook_tried", about = "Tell an event", fields = {
            { "body", "deliveryId", "uuid", required = true, about = "which" },
            { "bound", "result", "text" }, { "bound", "detail", "object" }, { "setting", "tries", "int" } } },
    },
    queries = { webhook_ground = { { "bound", "deliveryId", "uuid", required = true } } },
}
