-- decision.lua: what is heard, and the two jobs that follow: to decide, and to
-- tell pricing, whose tariffs are.

local surge = require "surge"

local function decide(call)
    local grounds, err = db.query("surge_ground", { stationId = call.values.stationId })
    if not grounds then return call:refuse(err) end
    local ground = grounds[1]
    if not ground then return { revision = 0, step = 0, lease = 0 } end -- it is gone, and nothing is changed
    local step, wait = surge.decide(ground)
    return { revision = ground.revision, step = step, wait = wait }
end

local function tell(call)
    local said, err = ask("pricing.surge", call.body)
    if not said then return call:refuse(err) end
    return { endsAt = said["until"] }
end

local function body(name, type, about, more)
    local field = { "body", name, type, required = true, about = about }
    for key, value in pairs(more or {}) do field[key] = value end
    return field
end

local free = { required = false, nullable = true }

local connector = { "object", fields = {
    body("connectorId", "uuid", "the connector"),
    body("chargePointId", "text", "OCPP identity"),
    body("connectorNumber", "int", "OCPP's connectorId"),
} }
local station = {
    body("stationId", "uuid", "the station"),
    body("operatorId", "text", "company that runs it"),
    body("timeZone", "text", "IANA name"),
    body("connectors", "array", "all that it has", { item = connector }),
}
local session = {
    body("sessionId", "uuid", "the session"),
    body("chargePointId", "text", "OCPP identity; none: of no connector that could be taken", free),
    body("connectorNumber", "int", "OCPP's connectorId", free),
}

local function event(type, statement, about, fields)
    return { "EVENT", type, statement = statement, about = about, fields = fields }
end

return {
    routes = {
        event("station.created.v1", "station_set", "keeps our copy of stations", station),
        event("station.updated.v1", "station_set", "keeps our copy of stations", station),
        event("station.removed.v1", "station_remove", "keeps our copy of stations", { body("stationId", "uuid", "the station") }),
        event("connector.status_changed.v1", "status_note", "who is at a connector", {
            body("chargePointId", "text", "OCPP identity"), body("connectorNumber", "int", "0: the whole charge point"),
            body("status", "text", "OCPP's ChargePointStatus"), body("receivedAt", "time", "by our clock") }),
        event("charging.session.started.v1", "session_begun", "who is at a connector", session),
        event("charging.session.completed.v1", "session_over", "nobody is there any more", session),
        event("charging.session.failed.v1", "session_over", "nobody is there any more", session),
        event("pricing.updated.v1", "tariff_note", "what a surge stands over is another", {
            body("stationId", "uuid", "where it holds", free), body("connectorId", "uuid", "where it holds", free),
            body("operatorId", "text", "where it holds", free), body("baseVersionId", "uuid", "it is a surge", free) }),
        { "JOB", "surge.decide", handler = decide, lock = "station_lock", statement = "surge_decided", about = "Decide by how much prices surge", fields = {
            body("stationId", "uuid", "where"),
            { "bound", "revision", "int", about = "of what was looked at" }, { "bound", "step", "int", about = "that holds" },
            { "bound", "wait", "int", about = "s until another may" }, { "setting", "lease", "int", about = "s" } } },
        { "JOB", "surge.tell", handler = tell, statement = "surge_told", about = "Tell pricing", fields = {
            body("stationId", "uuid", "where"), body("number", "int", "in which order"), body("multiplier", "decimal", "of its prices"),
            body("until", "time", "unless told again"), body("dimensions", "array", "of which prices", { item = { "text" } }),
            body("minPricePerKwh", "decimal", "of energy", free), body("maxPricePerKwh", "decimal", "of energy", free),
            { "bound", "endsAt", "time", about = "when what follows ends" } } },
        { "EVERY", "15s", statement = "surge_sweep", about = "Look again where time passes" },
    },
}
