-- notification.lua: what somebody was told, and how somebody wants to be.

local send = require "send"

local channels = "EMAIL|SMS|PUSH|IN_APP"
local READ, WRITE = "notifications:read", "notifications:write"

local function clock(call, name)
    local text = call.values[name]
    local hour, minute = (text or "00:00"):match("^(%d%d):(%d%d)$")
    if not hour or tonumber(hour) > 23 or tonumber(minute) > 59 then call:refuse_field(name, "must be HH:MM") end
end

local function preference(call)
    local v = call.values
    clock(call, "quietFrom")
    clock(call, "quietTo")
    if (v.quietFrom == nil) ~= (v.quietTo == nil) then call:refuse_field("quietTo", "goes with quietFrom") end
end

local function asked(call)
    local v = call.values
    if (v.userId == nil) == (v.companyId == nil) then call:refuse_field("userId", "or companyId, one of both") end
end

local id = { "path", "id", "uuid", required = true, about = "of the notification" }
local user = { "path", "id", "text", required = true, min = 1, max = 64, about = "of the user" }

return {
    routes = {
        { "INTERNAL", "notification.send", check = asked, statement = "notification_notify", about = "Tell somebody", fields = {
            { "body", "userId", "text", min = 1, max = 64, about = "who, or:" },
            { "body", "companyId", "text", min = 1, max = 64, about = "which company" },
            { "body", "channels", "array", required = true, min = 1, max = 4, item = { "enum", values = channels } },
            { "body", "template", "text", required = true, min = 1, max = 100, about = "by its name" },
            { "body", "data", "object", about = "what it is filled with: an object of strings and numbers" },
            { "body", "priority", "enum", values = "LOW|NORMAL|HIGH|CRITICAL", about = "default NORMAL" },
            { "body", "key", "text", required = true, min = 1, max = 200, about = "what is the same is said once" } } },
        { "INTERNAL", "notification.mail", handler = send.mailed, about = "Mail somebody at once, and write it down nowhere", fields = {
            { "body", "email", "text", required = true, min = 3, max = 254, about = "to which address" },
            { "body", "locale", "text", min = 2, max = 35, about = "BCP 47; else en" },
            { "body", "template", "text", required = true, min = 1, max = 100, about = "by its name, of the house" },
            { "body", "data", "object", secret = true, about = "what it is filled with: an object of strings and numbers" } } },
        { "GET", "/notifications", scope = READ, list = true, statement = "notification_list", about = "What one was told", fields = {
            { "query", "channel", "enum", values = channels, about = "by this channel" },
            { "query", "status", "enum", values = "QUEUED|HELD|BATCHED|SENT|FAILED|MUTED", about = "of this status" },
            { "query", "unread", "bool", about = "not read, or read" } } },
        { "GET", "/notifications/{id}", scope = READ, statement = "notification_get", about = "A notification, with each try", fields = { id } },
        { "PATCH", "/notifications/{id}", scope = WRITE, statement = "notification_read", about = "Read it, or not", fields = { id,
            { "body", "read", "bool", about = "whether it was read" } } },
        { "GET", "/notifications/preferences/{id}", scope = READ, statement = "preference_get", about = "How somebody wants to be told", fields = { user } },
        { "PUT", "/notifications/preferences/{id}", scope = WRITE, check = preference, statement = "preference_put", about = "Say how one wants to be told",
          fields = { user,
            { "body", "muted", "array", max = 4, item = { "enum", values = channels }, about = "channels that are off" },
            { "body", "quietFrom", "text", nullable = true, about = "HH:MM in timeZone; only what is CRITICAL comes through, and what disturbs nobody" },
            { "body", "quietTo", "text", nullable = true, about = "HH:MM" },
            { "body", "timeZone", "text", nullable = true, max = 64, about = "IANA; else UTC" },
            { "body", "locale", "text", nullable = true, min = 2, max = 35, about = "BCP 47" },
            { "body", "batchMinutes", "int", min = 0, max = 1440, about = "mails that can wait are one mail, so often; 0: each is one" },
            { "body", "pushTokens", "array", max = 10, item = { "text", min = 1, max = 500 }, about = "of FCM, a device each" } } },
    },
    errors = {
        { name = "rules_too_many", status = 409, title = "There are enough rules" },
        { name = "webhooks_too_many", status = 409, title = "There are enough webhooks" },
        { name = "time_zone_unknown", status = 422, title = "No such time zone" },
        { name = "template_taken", status = 409, title = "There is a template of this name and locale" },
    },
}
