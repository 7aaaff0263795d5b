-- zone.lua: wall clocks. PostgreSQL knows the zones, so it is asked; what is no time
-- is not sent there.

local cure = require "cure"

local zone = {}

local function whole(text, least, most)
    local n = tonumber(text)
    return n >= least and n <= most
end

local function days(year, month)
    if month == 2 then return (year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)) and 29 or 28 end
    return (month == 4 or month == 6 or month == 9 or month == 11) and 30 or 31
end

--- the clock of an RFC 3339 time, and what it says of its zone: "Z", "+02:00" or
--- ""; nil: it is none
function zone.parts(text)
    if type(text) ~= "string" or #text > 40 then return nil end
    local clock, y, mo, d, h, mi, s, rest = text:match("^((%d%d%d%d)%-(%d%d)%-(%d%d)[T ](%d%d):(%d%d):(%d%d)%.?%d*)(.*)$")
    if not clock or not whole(y, 1970, 9999) or not whole(mo, 1, 12) or not whole(d, 1, days(tonumber(y), tonumber(mo)))
        or not whole(h, 0, 23) or not whole(mi, 0, 59) or not whole(s, 0, 59) then return nil end
    if rest ~= "" and rest ~= "Z" and not rest:match("^[+-][01]%d:[0-5]%d$") then return nil end
    return (clock:gsub(" ", "T"):gsub("%.$", "")), rest
end

function zone.mend(what, body, action, call, point)
    if not point.zone then return false end
    local holders, times = {}, json.array {}
    local moments = cure.moments(body, action)
    moments[#moments + 1] = body
    for _, holder in ipairs(moments) do
        local clock, mark = zone.parts(holder.timestamp)
        if clock and mark == what.marked then
            holders[#holders + 1] = holder
            times[#times + 1] = clock
        end
    end
    if #times == 0 then return false end
    local rows, err = db.query("instants", { zone = point.zone, times = times })
    if not rows then error("the zone " .. point.zone .. " is not asked: " .. tostring(err), 0) end
    for i, utc in ipairs(rows[1].times) do holders[i].timestamp = utc end
    return true
end

return zone
