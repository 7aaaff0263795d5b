-- wrk: POST /api/v1/stations, each with a name and a charge point of its own.
-- BENCH_KEY is the API key, BENCH_BODY the body, in which @ is the number.

local headers, body
local number = 0

function init()
    headers = { ["X-API-Key"] = os.getenv("BENCH_KEY"), ["Content-Type"] = "application/json" }
    body = os.getenv("BENCH_BODY")
    run = string.format("%d", os.time())
end

function request()
    number = number + 1
    return wrk.format("POST", "/api/v1/stations", headers,
        (body:gsub("@", run .. "-" .. number)))
end
