-- plugin.lua: the manifest of example: notes that a caller keeps for itself.

---@type vg.field[]
local new_fields = {
    { "body", "text", "text", required = true, min = 1, max = 200, about = "what to keep" },
}

---@type vg.field[]
local id_fields = {
    { "path", "id", "uuid", required = true, about = "of the note" },
}

---@type vg.manifest
return {
    abi = 9,
    name = "example",
    version = "0.1.0",
    about = "Notes that a caller keeps for itself",
    routes = {
        { "POST", "/example", fields = new_fields, statement = "note_create", about = "Keep a note" },
        { "GET", "/example", statement = "note_list", list = true, about = "List one's notes" },
        { "GET", "/example/{id}", fields = id_fields, statement = "note_get", about = "One note" },
    },
    publishes = { "example.created.v1" },
}
