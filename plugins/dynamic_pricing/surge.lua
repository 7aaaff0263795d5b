-- surge.lua: which step of a rule holds, and how long nothing else can. In
-- whole per cent and seconds; what a step does to a price is SQL's.

local surge = {}

--- The step that holds at so many per cent, when `step` held before (0: none).
--- One is entered at its enterPercent, and left below its leavePercent.
function surge.step(steps, percent, step)
    local holds = 0
    for i, one in ipairs(steps) do
        if percent >= (i <= step and one.leavePercent or one.enterPercent) then holds = i end
    end
    return holds
end

--- What is decided from what surge_ground says: the step, and in how many
--- seconds another may follow; nil: only when something moves. A step that has
--- held for less than holdSeconds stays. Where a rule has fewer steps than
--- before, the ones that went hold no more.
function surge.decide(ground)
    local wanted = surge.step(ground.occupancy, ground.percent, ground.step)
    local held = ground.heldSeconds
    if wanted == ground.step or not held or held >= ground.holdSeconds then return wanted, nil end
    return ground.step, ground.holdSeconds - held
end

local function clock(text)
    local hours, minutes = text:match("^(%d%d):(%d%d)$")
    return hours and tonumber(hours) < 24 and tonumber(minutes) < 60
end

--- What is wrong with steps of occupancy: field by text.
function surge.wrong_steps(steps)
    local wrong = {}
    for i, one in ipairs(steps) do
        local at, before = "occupancy[" .. i - 1 .. "].", steps[i - 1]
        if one.leavePercent >= one.enterPercent then wrong[at .. "leavePercent"] = "must be below enterPercent" end
        if before and one.enterPercent <= before.enterPercent then
            wrong[at .. "enterPercent"] = "must be above that of the step before"
        end
        if before and one.leavePercent < before.leavePercent then
            wrong[at .. "leavePercent"] = "must not be below that of the step before"
        end
    end
    return wrong
end

--- What is wrong with times of use: field by text.
function surge.wrong_times(times)
    local wrong = {}
    for i, one in ipairs(times) do
        local at = "timeOfUse[" .. i - 1 .. "]."
        for _, name in ipairs { "startTime", "endTime" } do
            if not clock(one[name]) then wrong[at .. name] = "must be HH:MM" end
        end
        if one.startTime == one.endTime then wrong[at .. "endTime"] = "must differ from startTime" end
    end
    return wrong
end

return surge
