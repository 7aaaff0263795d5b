-- plugin.lua: the manifest of dynamic_pricing: by how much prices surge.

local routes = {}
for _, file in ipairs { require "rule", require "decision" } do
    for _, row in ipairs(file.routes) do routes[#routes + 1] = row end
end

return {
    abi = 9,
    name = "dynamic_pricing",
    version = "0.1.0",
    about = "Prices that surge by occupancy and time of use, within bounds",
    routes = routes,
    errors = {
        { name = "rule_exists", status = 409, title = "There is a rule already" },
        { name = "rule_bounds", status = 422, title = "A lower bound is above its upper one" },
        { name = "station_unknown", status = 404, title = "No such station" },
    },
    settings = {
        { name = "lease", type = "int", value = "3600", min = 60, max = 604800, about = "seconds for which a surge stands if it is asked for no more; it is asked for again at half of them" },
    },
    queries = { surge_ground = { { "bound", "stationId", "uuid", required = true } } },
}
