-- plugin.lua: the manifest of quirks: what firmware gets wrong in OCPP is put
-- right before anybody else reads it.

local cure = require "cure"
local mend = require "mend"
local register = require "register"

local function before(action)
    return { "HOOK", "OCPP16 " .. action, stands = "before fields", optional = true, check = mend.look(action), handler = mend.hook(action),
        about = "Put right what this firmware gets wrong" }
end

local routes = {
    { "HOOK", "OCPP16 BootNotification", stands = "before fields", optional = true, check = mend.boots, about = "Another firmware may have come" },
    { "HOOK", "OCPP16 StartTransaction", stands = "after charging", optional = true, check = mend.look "StartTransaction", handler = mend.started,
      about = "Whose register is followed has a transaction now" },
}
for _, action in ipairs { "MeterValues", "StartTransaction", "StatusNotification", "StopTransaction" } do
    routes[#routes + 1] = before(action)
end

return {
    abi = 9,
    name = "quirks",
    version = "0.1.0",
    about = "Puts right what chargers' firmware gets wrong",
    routes = routes,
    settings = {
        { name = "also", type = "text", value = "", about = "quirks of generic.lua and who has them, as \"register_resets=Acme/M1/2.*; local_time_as_utc=Other/*\": "
            .. "name=vendor/model/firmware, each with *; what it names is put right in the next message" },
        { name = "known", type = "int", value = "60", min = 1, max = 86400, about = "seconds after which vendor, model and firmware of a charge point are asked for again; "
            .. "longer is cheaper, and a charge point that came back to a worker without booting there keeps its old quirks for as long" },
        { name = "most_kw", type = "int", value = "400", min = 1, max = 100000, about = "what no charger gives more of, in kW: a register that fell shows at most what flows at this "
            .. "in the time since, or it was no reset and is let be" },
    },
    keeps = {
        { table = "register", keep = "90d", statement = "register_retire", about = "what registers that are followed showed, with their resets" },
    },
    counters = cure.counters,
    queries = {
        instants = {
            { "bound", "zone", "text", required = true },
            { "bound", "times", "array", required = true, item = { "text" } },
        },
        register_begin = register.begin_fields,
        register_named = register.named_fields,
        register_follow = register.follow_fields,
    },
}
