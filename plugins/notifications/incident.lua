-- incident.lua: what somebody has to look after.

local id = { "path", "id", "uuid", required = true, about = "of the incident" }

return {
    routes = {
        { "GET", "/incidents", scope = "alerts:read", list = true, statement = "incident_list", about = "List the incidents", fields = {
            { "query", "status", "enum", values = "OPEN|ACKNOWLEDGED|RESOLVED", about = "of this status" } } },
        { "GET", "/incidents/{id}", scope = "alerts:read", statement = "incident_get", about = "An incident", fields = { id } },
        { "POST", "/incidents/{id}/ack", scope = "alerts:write", no_body = true, statement = "incident_ack", about = "Say that one looks after it", fields = { id } },
        { "POST", "/incidents/{id}/resolve", scope = "alerts:write", no_body = true, statement = "incident_resolve", about = "Say that it is over", fields = { id } },
        { "JOB", "incident.escalate", statement = "incident_escalate", about = "Tell others that nobody looks after it", fields = {
            { "body", "incidentId", "uuid", required = true, about = "which" },
            { "body", "level", "int", required = true, about = "from 1" } } },
    },
}
