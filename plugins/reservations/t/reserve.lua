-- wrk: POST /api/v1/reservations with an Idempotency-Key, each for an even
-- minute of one of the connectors in the file BENCH_CONNECTORS, that is free;
-- BENCH_FROM is the first, in seconds since 1970. A run has so many minutes of
-- its own as it lasts seconds, times twenty. BENCH_KEY is the API key.

local headers, connectors, from, run, first
local number = 0

function init()
    connectors = {}
    for id in io.lines(os.getenv("BENCH_CONNECTORS")) do
        connectors[#connectors + 1] = id
    end
    from = tonumber(os.getenv("BENCH_FROM"))
    run = os.time()
    first = 20 * ((run - from + 7200) % 2900)
    headers = { ["X-API-Key"] = os.getenv("BENCH_KEY"), ["Content-Type"] = "application/json" }
end

local function moment(minute)
    return os.date("!%Y-%m-%dT%H:%M:%SZ", from + 60 * minute)
end

function request()
    local minute = 2 * (first + math.floor(number / #connectors))
    local connector = connectors[number % #connectors + 1]
    number = number + 1
    headers["Idempotency-Key"] = run .. "-" .. number
    return wrk.format("POST", "/api/v1/reservations", headers, string.format(
        '{"connectorId":"%s","startTime":"%s","endTime":"%s"}', connector, moment(minute), moment(minute + 1)))
end
