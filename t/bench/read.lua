-- wrk: GET /api/v1/stations/{id}, each time another of the ids in a file.
-- BENCH_IDS names the file, BENCH_KEY is the API key; BENCH_CACHE=no-cache
-- asks the database.

local requests = {}

function init()
    for id in io.lines(os.getenv("BENCH_IDS")) do
        requests[#requests + 1] = wrk.format("GET", "/api/v1/stations/" .. id,
            { ["X-API-Key"] = os.getenv("BENCH_KEY"), ["Cache-Control"] = os.getenv("BENCH_CACHE") })
    end
    math.randomseed(os.time())
end

function request()
    return requests[math.random(#requests)]
end
