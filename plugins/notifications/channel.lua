-- channel.lua: one try by one channel: a mail by SMTP, an SMS as Twilio takes
-- it, a push as FCM (HTTP v1) does. What came of it is one of
--
--   SENT    it was taken
--   FAILED  not now: it is tried again
--   SPARED  nothing was sent, so as to spare the other side: no try
--   LOST    another try would not help
--
-- and a detail for the delivery log, in which nothing is personal.

local template = require "voltgate.template"

local channel = {}

-- of each channel, by what came of a try
local outcomes = { "sent", "failed", "spared", "lost" }
channel.counters = {}
for i, outcome in ipairs(outcomes) do
    channel.counters[i] = { name = outcome, label = "channel", values = "EMAIL|SMS|PUSH|IN_APP|WEBHOOK", about = "tries of which came: " .. outcome }
end

--- What came of a try, counted and given back.
function channel.counted(call, name, outcome, detail, dead)
    call:count(outcome:lower(), name)
    return outcome, detail, dead
end

--- One try of a letter by that channel.
function channel.try(call, name, letter)
    return channel.counted(call, name, channel[name](call, letter))
end

local spares = { breaker_open = true, rate = true, busy = true }

-- what the room outbound says; a status that may be another the next time
local function failed(err)
    if spares[err] then return "SPARED", { reason = err } end
    local lost = err == "rejected" or err == "refused_url" or err == "refused_address"
    return lost and "LOST" or "FAILED", { reason = err }
end

--- Of an answer to an HTTP request with any_status.
function channel.answered(said, err)
    if not said then return failed(err) end
    local detail = { status = said.status }
    if said.status >= 200 and said.status < 300 then return "SENT", detail end
    detail.reason = "status " .. said.status
    local again = said.status >= 500 or said.status == 408 or said.status == 425 or said.status == 429
    return again and "FAILED" or "LOST", detail
end

local function off(call, name)
    local target = call:setting(name)
    return target == "off", target
end

--- Of one line that is a header's.
function channel.subject(text, values)
    return template.cut(template.render(text, values, template.line), 200)
end

-- what the room outbound takes for an address
local function address(text)
    return text and #text <= 254 and text:find("^[%w.!#$&'*+/=?^_{|}~%-]+@[%w%-]+%.[%w.%-]+$") and text or nil
end

function channel.EMAIL(call, letter)
    local is_off, target = off(call, "mail")
    if is_off then return "LOST", { reason = "channel_off" } end
    local to = address(letter.contact.email)
    if not to then return "LOST", { reason = "no_address" } end
    local said, err = mail.send { target = target, from = call:setting("from"), to = to, subject = letter.subject,
        text = letter.text, html = letter.html, idempotency_key = letter.id }
    if not said then return failed(err) end
    return "SENT", { code = said.code }
end

local function escaped(text)
    return (text:gsub("[^%w._~-]", function(c) return ("%%%02X"):format(c:byte()) end))
end

function channel.SMS(call, letter)
    local is_off, target = off(call, "sms")
    if is_off then return "LOST", { reason = "channel_off" } end
    if not letter.contact.phone then return "LOST", { reason = "no_phone" } end
    local said, err = http.post { target = target, path = "/2010-04-01/Accounts/" .. escaped(call:setting("sms_account")) .. "/Messages.json",
        type = "application/x-www-form-urlencoded", any_status = true, idempotency_key = letter.id,
        body = "To=" .. escaped(letter.contact.phone) .. "&From=" .. escaped(call:setting("sms_from")) .. "&Body=" .. escaped(letter.short) }
    local outcome, detail = channel.answered(said, err)
    if outcome == "SENT" and type(said.body) == "table" then detail.sid = said.body.sid end
    return outcome, detail
end

-- Each device is told by itself; one that is no more is forgotten. The first
-- that does not take it now is what the next try is for, and the others hear it
-- once more: a push shows the same id, so that a phone replaces it.
function channel.PUSH(call, letter)
    local is_off, target = off(call, "push")
    if is_off then return "LOST", { reason = "channel_off" } end
    if #letter.tokens == 0 then return "LOST", { reason = "no_device" } end
    local outcome, detail, dead = "LOST", { reason = "no_device" }, nil
    for i, token in ipairs(letter.tokens) do
        local said, err = http.post { target = target, path = "/v1/projects/" .. escaped(call:setting("push_project")) .. "/messages:send",
            any_status = true, idempotency_key = letter.id .. "/" .. i, body = { message = { token = token, data = { notificationId = letter.id },
                android = { collapse_key = letter.id }, notification = { title = letter.subject, body = letter.short } } } }
        local came, what = channel.answered(said, err)
        if said and said.status == 404 then dead, what.reason = token, "unregistered" end
        if came == "SENT" or outcome ~= "SENT" then outcome, detail = came, what end
    end
    return outcome, detail, dead
end

function channel.IN_APP()
    return "SENT", {}
end

return channel
