-- wrk: GET /api/v1/stations/nearby at any place of a box around Germany.

local headers = { ["X-API-Key"] = os.getenv("BENCH_KEY") }

function init()
    math.randomseed(os.time())
end

function request()
    return wrk.format("GET", string.format("/api/v1/stations/nearby?lat=%.6f&lon=%.6f",
        47 + 8 * math.random(), 6 + 9 * math.random()), headers)
end
