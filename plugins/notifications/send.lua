-- send.lua: jobs: one notification, or those that were kept for one mail. Each
-- job is one try; what came of it, and the next try's job, are its commit.

local channel = require "channel"
local list = require "voltgate.list"
local template = require "voltgate.template"

local send = {}

-- the receiver's language, else English, else what there is
local function chosen(templates, locale)
    local by = list.by(templates, "locale")
    return by[locale or "en"] or by[(locale or "en"):match("^%a+")] or by.en or templates[1]
end

-- to whom: asked for when it is said, so that who is gone is written to no more
local function contact_of(call, ground)
    if ground.userId or ground.companyId then
        local said, err = ask("contact.show", { customerId = ground.userId, companyId = not ground.userId and ground.companyId or nil })
        if not said then return nil, err end
        return said.customer or said.company or {}
    end
    local email, phone = call:setting("house_email"), call:setting("house_phone")
    return { email = email ~= "off" and email or nil, phone = phone ~= "off" and phone or nil }
end

-- what it says, to whom; nil: there is no such template
local function letter_of(ground, contact)
    local text = chosen(ground.templates, ground.locale or contact.language)
    if not text then return nil end
    local values = ground.values
    values.name = contact.name
    local subject = channel.subject(text.subject, values)
    if not subject:find("%S") then subject = ground.template end
    return {
        id = ground.id, contact = contact, tokens = ground.pushTokens, subject = subject,
        text = template.render(text.text, values),
        html = text.html and template.render(text.html, values, template.html),
        short = text.short and template.cut(template.render(text.short, values, template.line), 1600) or subject,
    }
end

local function told(result, detail, more)
    more = more or {}
    return { result = result, detail = detail, subject = more.subject, text = more.text, dead = more.dead }
end

local function one(call)
    local grounds, err = db.query("notification_ground", { notificationId = call.values.notificationId })
    if not grounds then return call:refuse(err) end
    local ground = grounds[1]
    if not ground then return told("LOST", { reason = "over" }) end
    local contact, why = contact_of(call, ground)
    if not contact then return told("SPARED", { reason = why }) end
    local made, letter = pcall(letter_of, ground, contact)
    if not made then call:log(letter) end
    if not made or not letter then return told("LOST", { reason = made and "no_template" or "template" }) end
    local result, detail, dead = channel.try(call, ground.channel, letter)
    return told(result, detail, { subject = letter.subject, text = letter.text, dead = dead })
end

-- Those that wait for one mail, each under its subject.
local function batch(call)
    local grounds, err = db.query("batch_ground", { userId = call.values.userId })
    if not grounds then return call:refuse(err) end
    if #grounds == 0 then return { ids = json.array {}, result = "SENT", detail = {} } end
    local contact, why = contact_of(call, grounds[1])
    local ids = list.map(grounds, function(ground) return ground.id end)
    if not contact then return { ids = ids, result = "SPARED", detail = { reason = why } } end
    local letters = list.map(grounds, function(ground)
        local made, letter = pcall(letter_of, ground, contact)
        return made and letter or nil
    end)
    if #letters == 0 then return { ids = ids, result = "LOST", detail = { reason = "no_template" } } end
    local subject = #letters == 1 and letters[1].subject or call:setting("batch_subject"):gsub("#", #letters)
    local result, detail = channel.try(call, "EMAIL", { id = ids[1], contact = contact, subject = subject,
        text = table.concat(list.map(letters, function(letter) return letter.subject .. "\n\n" .. letter.text end), "\n\n") })
    return { ids = ids, result = result, detail = detail }
end

--- Asked by other plugins: a mail that is said now or not at all, so that its
--- asker tries again. For what may lie in no table, to who is nobody here yet.
function send.mailed(call)
    local v = call.values
    local rows, err = db.query("template_named", { template = v.template })
    if not rows then return call:refuse(err) end
    local letter = letter_of({ template = v.template, templates = rows[1].templates, values = v.data or {} },
        { email = v.email, name = v.data and v.data.name, language = v.locale })
    if not letter then
        call:log("there is no template " .. v.template)
        return call:refuse("unavailable")
    end
    local result, detail = channel.try(call, "EMAIL", letter)
    if result == "SENT" then return { code = detail.code } end
    call:log("not mailed: " .. detail.reason)
    -- what was spared is no try of the asker's job either
    return call:refuse(result == "SPARED" and detail.reason or "unavailable")
end

local tried = {
    { "bound", "result", "text" }, { "bound", "detail", "object" }, { "setting", "tries", "int" },
}

send.routes = {
    { "JOB", "notification.send", handler = one, statement = "notification_tried", about = "Send a notification", fields = {
        { "body", "notificationId", "uuid", required = true, about = "which" }, tried[1], tried[2], tried[3],
        { "bound", "subject", "text" }, { "bound", "text", "text" }, { "bound", "dead", "text" } } },
    { "JOB", "notification.batch", handler = batch, statement = "batch_tried", about = "Send what waits for one mail", fields = {
        { "body", "userId", "text", required = true, about = "whose" }, tried[1], tried[2], tried[3],
        { "bound", "ids", "any", about = "of the notifications" } } },
}

return send
