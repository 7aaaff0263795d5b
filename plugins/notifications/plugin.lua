-- plugin.lua: the manifest of notifications: who is told what, by which channel.

local alert = require "alert"
local channel = require "channel"
local erasure = require "erasure"
local event = require "event"
local incident = require "incident"
local notification = require "notification"
local send = require "send"
local text = require "text"
local webhook = require "webhook"

local routes = {}
for _, file in ipairs { notification, alert, text, webhook, incident, event, send, erasure } do
    for _, row in ipairs(file.routes) do routes[#routes + 1] = row end
end
routes[#routes + 1] = { "EVERY", "1m", statement = "batch_sweep", about = "Send what waits for one mail and was left over" }

return {
    abi = 9,
    name = "notifications",
    version = "0.1.0",
    about = "Who is told what, by which channel",
    routes = routes,
    errors = notification.errors,
    settings = {
        { name = "mail", type = "text", value = "off", about = "the target of EMAIL; off: none is sent" },
        { name = "from", type = "text", value = "voltgate@localhost.localdomain", about = "whom mails are from" },
        { name = "sms", type = "text", value = "off", about = "the target of SMS, as Twilio has it; off: none is sent" },
        { name = "sms_account", type = "text", value = "off", about = "Twilio's account" },
        { name = "sms_from", type = "text", value = "off", about = "the number that SMS are from" },
        { name = "push", type = "text", value = "off", about = "the target of PUSH, as FCM HTTP v1 has it; off: none is sent" },
        { name = "push_project", type = "text", value = "off", about = "FCM's project" },
        { name = "house_email", type = "text", value = "off", about = "where the house is written to; off: nowhere" },
        { name = "house_phone", type = "text", value = "off", about = "where the house gets its SMS; off: nowhere" },
        { name = "batch_subject", type = "text", value = "# messages", about = "of a mail that has several" },
        { name = "tries", type = "int", value = "8", min = 1, max = 100, about = "of each notification and delivery; then it has failed" },
        { name = "oldest", type = "int", value = "86400", min = 60, max = 31536000, about = "seconds; what happened longer ago is told to nobody" },
    },
    publishes = { "notification.sent.v1", "customer.erased.v1" },
    keeps = erasure.keeps,
    counters = channel.counters,
    queries = {
        rule_of_event = {
            { "bound", "type", "text", required = true },
            { "bound", "companies", "array", required = true, item = { "text" } },
        },
        template_named = { { "bound", "template", "text", required = true } },
        notification_ground = { { "bound", "notificationId", "uuid", required = true } },
        rule_show = alert.queries.rule_show,
        webhook_ground = webhook.queries.webhook_ground,
        batch_ground = { { "bound", "userId", "text", required = true } },
    },
}
